//! Which entry of a menu is meant by `default` and `fallback` (GRUB, `grub-core/normal/menu.c`).

use crate::MenuEntry;
use crate::number::unsigned;

/// An entry of a menu, or a menu in it.
#[derive(Debug)]
pub(crate) enum Item {
    Entry(Box<MenuEntry>),
    Submenu { id: String, title: String, items: Vec<Item> },
}

impl Item {
    fn names(&self) -> (&str, &str) {
        match self {
            Self::Entry(entry) => (&entry.id, &entry.title),
            Self::Submenu { id, title, .. } => (id, title),
        }
    }

    fn leaves(&self) -> usize {
        match self {
            Self::Entry(_) => 1,
            Self::Submenu { items, .. } => items.iter().map(Self::leaves).sum(),
        }
    }
}

/// The entry that a menu starts by itself, counted through all submenus; `None` in an empty menu.
///
/// An identifier, a title or a number; behind a `>` that of the submenu's entry, and `>>` is a `>` in a name. What
/// names nothing means the first entry. Upstream's GRUB looks for a number first and Red Hat's for an identifier; they
/// differ for identifiers that begin with digits, and then Red Hat's, which makes these, is followed.
pub(crate) fn default_leaf(items: &[Item], spec: &str) -> Option<usize> {
    let index = index_of(items, spec).filter(|&index| index < items.len()).unwrap_or(0);
    let tail = split(spec).1;
    leaf(items, index, tail.unwrap_or(spec))
}

/// The entries that are tried when the default cannot be loaded.
pub(crate) fn fallback_leaves(items: &[Item], fallback: &str, default: &str) -> Vec<usize> {
    // A word that is no entry ends the list.
    fallback
        .split_whitespace()
        .map_while(|word| index_of(items, word).filter(|&index| index < items.len()))
        .filter_map(|index| leaf(items, index, default))
        .collect()
}

fn leaf(items: &[Item], index: usize, spec: &str) -> Option<usize> {
    let before: usize = items.iter().take(index).map(Item::leaves).sum();
    match items.get(index)? {
        Item::Entry(_) => Some(before),
        Item::Submenu { items, .. } => Some(before + default_leaf(items, spec)?),
    }
}

fn index_of(items: &[Item], spec: &str) -> Option<usize> {
    let (head, _) = split(spec);
    let by_id = items.iter().position(|item| item.names().0 == head);
    by_id.or_else(|| items.iter().position(|item| item.names().1 == head)).or_else(|| {
        let number = unsigned(spec);
        let ends = number.rest.is_empty() || number.rest.starts_with([' ', '\t', '>']);
        if number.valid && ends { usize::try_from(number.value).ok() } else { None }
    })
}

/// The name before the first `>`, and what is behind it.
fn split(spec: &str) -> (String, Option<&str>) {
    let mut head = String::new();
    let mut characters = spec.char_indices().peekable();
    while let Some((offset, character)) = characters.next() {
        if character == '>' && characters.next_if(|&(_, next)| next == '>').is_none() {
            let tail = &spec[offset + 1..];
            return (head, (!tail.is_empty()).then_some(tail));
        }
        head.push(character);
    }
    (head, None)
}

#[cfg(test)]
mod tests {
    use super::{Item, default_leaf, fallback_leaves};
    use crate::{MenuEntry, Place};

    fn entry(id: &str, title: &str) -> Item {
        Item::Entry(Box::new(MenuEntry {
            id: id.to_owned(),
            title: title.to_owned(),
            submenu: Vec::new(),
            kernel: None,
            arguments: String::new(),
            initrds: Vec::new(),
            devicetree: None,
            chain: None,
            source: Place { file: String::new(), line: 0 },
            asks_password: false,
            tries: None,
            fails: false,
            problems: Vec::new(),
        }))
    }

    #[test]
    fn the_default_is_found_by_number_name_and_path() {
        let items = vec![
            entry("simple", "Debian"),
            Item::Submenu {
                id: "advanced".to_owned(),
                title: "More > all".to_owned(),
                items: vec![entry("6.1", "one"), entry("6.12", "two")],
            },
            entry("6a1b-5.14", "Three"),
        ];
        for (spec, leaf) in [
            ("", 0),
            ("0", 0),
            ("1", 2),
            ("2", 3),
            ("3", 0),
            ("1>1", 2),
            ("1>0", 1),
            ("advanced>6.12", 2),
            ("advanced>6.1", 1),
            ("More >> all>one", 1),
            ("advanced>nosuch", 1),
            ("Three", 3),
            ("6a1b-5.14", 3),
            ("nosuch", 0),
            ("-1", 0),
            ("99999999999999999999999", 0),
        ] {
            assert_eq!(default_leaf(&items, spec), Some(leaf), "{spec}");
        }
        assert_eq!(default_leaf(&[], "0"), None);
        assert_eq!(fallback_leaves(&items, "2 1 9 0", "0"), [3, 1]);
        assert_eq!(fallback_leaves(&items, "", "0"), [0; 0]);
    }
}
