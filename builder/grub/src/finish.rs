//! From a menu's definitions to what each entry starts.

use crate::choice::{Item, default_leaf, fallback_leaves};
use crate::evaluator::{Defined, Evaluator, Stop, status};
use crate::load::Loaded;
use crate::number::unsigned;
use crate::{Menu, MenuEntry, Place, Remark, Saved, Timeout};

/// Submenus inside each other.
const LEVELS: usize = 16;

impl Evaluator<'_> {
    /// The menu that is shown when the configuration was left this way; `None` where it came to its end.
    pub(crate) fn finish(mut self, left: Option<Stop>) -> Menu {
        let items = match left {
            None | Some(Stop::Menu) => {
                let defined = std::mem::take(&mut self.menu);
                if defined.is_empty() {
                    let place =
                        Place { file: self.report.files.last().map(ToString::to_string).unwrap_or_default(), line: 0 };
                    self.report.problem(place, "there is no entry, so GRUB waits at its prompt".to_owned());
                }
                self.items(defined, &[], "")
            }
            Some(Stop::Boot) => {
                let place = self.place();
                let loaded = std::mem::take(&mut self.loaded);
                vec![Item::Entry(Box::new(entry_of(loaded, String::new(), "boot".to_owned(), place)))]
            }
            Some(Stop::GaveUp | Stop::Left(_)) => Vec::new(),
        };
        let default = self.variables.text("default").to_owned();
        let timeout = match self.variables.get("timeout").map(unsigned) {
            Some(number) if number.valid => Timeout::Seconds(number.value),
            _ => Timeout::Forever,
        };
        let fallback = fallback_leaves(&items, self.variables.text("fallback"), &default);
        let default = default_leaf(&items, &default);
        let mut entries = Vec::new();
        flatten(items, &mut entries);
        let saved = self.blocks.into_iter().map(|(file, block)| Saved { file, variables: block.variables() }).collect();
        let report = self.report;
        Menu {
            entries,
            default,
            fallback,
            timeout,
            files: report.files,
            notes: report.notes,
            problems: report.problems,
            unknown: report.unknown,
            said: report.said,
            saved,
        }
    }

    fn items(&mut self, defined: Vec<Defined>, titles: &[String], above: &str) -> Vec<Item> {
        let superusers = !self.variables.text("superusers").is_empty();
        let contexts = self.variables.depth();
        let mut items = Vec::with_capacity(defined.len());
        for entry in defined {
            self.variables.open();
            let chosen = format!("{above}{}", entry.id.replace('>', ">>"));
            self.variables.set("chosen", &chosen);
            if entry.submenu {
                items.push(self.submenu(entry, titles, &chosen));
            } else {
                items.push(self.entry(entry, titles, superusers));
            }
            while self.variables.depth() > contexts {
                self.variables.close();
            }
        }
        items
    }

    fn submenu(&mut self, defined: Defined, titles: &[String], chosen: &str) -> Item {
        let mut items = Vec::new();
        if titles.len() < LEVELS {
            self.menu.clear();
            // What is wrong is a problem of the way to the entries in it.
            match self.run_content(&defined) {
                Ok(_) | Err(Stop::Menu) => {
                    let nested = std::mem::take(&mut self.menu);
                    let titles: Vec<String> = titles.iter().cloned().chain([defined.title.clone()]).collect();
                    items = self.items(nested, &titles, &format!("{chosen}>"));
                }
                Err(_) => {}
            }
        } else {
            let text = format!("more than {LEVELS} submenus are inside each other");
            self.report.problem(defined.place, text);
        }
        Item::Submenu { id: defined.id, title: defined.title, items }
    }

    fn entry(&mut self, defined: Defined, titles: &[String], superusers: bool) -> Item {
        self.entry = Some(Vec::new());
        self.loaded = Loaded::default();
        let result = self.run_content(&defined);
        self.menu.clear();
        let problems = self.entry.take().unwrap_or_default();
        let loaded = std::mem::take(&mut self.loaded);
        let mut entry = entry_of(loaded, defined.id, defined.title, defined.place);
        entry.submenu = titles.to_vec();
        entry.asks_password = superusers && defined.users.is_some();
        entry.fails = !matches!(result, Ok(status::DONE) | Err(Stop::Boot));
        entry.problems = problems;
        if entry.kernel.is_none() && entry.chain.is_none() && entry.problems.is_empty() {
            entry.problems.push(Remark { place: entry.source.clone(), text: "the entry loads nothing".to_owned() });
        }
        Item::Entry(Box::new(entry))
    }
}

pub(crate) fn entry_of(loaded: Loaded, id: String, title: String, source: Place) -> MenuEntry {
    MenuEntry {
        id,
        title,
        submenu: Vec::new(),
        kernel: loaded.kernel,
        arguments: loaded.arguments,
        initrds: loaded.initrds,
        devicetree: loaded.devicetree,
        chain: loaded.chain,
        source,
        asks_password: false,
        tries: None,
        fails: false,
        problems: Vec::new(),
    }
}

fn flatten(items: Vec<Item>, entries: &mut Vec<MenuEntry>) {
    for item in items {
        match item {
            Item::Entry(entry) => entries.push(*entry),
            Item::Submenu { items, .. } => flatten(items, entries),
        }
    }
}
