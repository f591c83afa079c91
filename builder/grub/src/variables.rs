//! GRUB's variables.

use std::collections::BTreeMap;

/// Variables in contexts that lie above each other: `configfile` and menu entries get one of their own, and what they
/// set is gone behind them. All of what is below shines through, as GRUB copies all variables into a new context.
#[derive(Debug)]
pub(crate) struct Variables {
    /// Never empty; `None` for what was unset above another value.
    contexts: Vec<BTreeMap<String, Option<String>>>,
}

impl Variables {
    pub(crate) fn new() -> Self {
        Self { contexts: vec![BTreeMap::new()] }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.contexts.iter().rev().find_map(|context| context.get(name)).and_then(|value| value.as_deref())
    }

    /// The value, or nothing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        // GRUB's own hook on this variable takes the parentheses away.
        let value = match value.strip_prefix('(') {
            Some(inner) if name == "root" => inner.strip_suffix(')').unwrap_or(inner),
            _ => value,
        };
        self.put(name, Some(value.to_owned()));
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.put(name, None);
    }

    fn put(&mut self, name: &str, value: Option<String>) {
        if let Some(context) = self.contexts.last_mut() {
            context.insert(name.to_owned(), value);
        }
    }

    /// Begins a context.
    pub(crate) fn open(&mut self) {
        self.contexts.push(BTreeMap::new());
    }

    /// Ends the context that was begun last.
    pub(crate) fn close(&mut self) {
        if self.contexts.len() > 1 {
            self.contexts.pop();
        }
    }

    /// How many contexts there are.
    pub(crate) fn depth(&self) -> usize {
        self.contexts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Variables;

    #[test]
    fn a_context_leaves_nothing_behind() {
        let mut variables = Variables::new();
        variables.set("a", "1");
        variables.set("root", "(hd0,gpt2)");
        variables.open();
        assert_eq!((variables.text("a"), variables.text("root")), ("1", "hd0,gpt2"));
        variables.set("b", "2");
        variables.unset("a");
        assert_eq!((variables.get("a"), variables.get("b")), (None, Some("2")));
        variables.close();
        assert_eq!((variables.get("a"), variables.get("b")), (Some("1"), None));
        variables.close();
        assert_eq!(variables.depth(), 1);
    }
}
