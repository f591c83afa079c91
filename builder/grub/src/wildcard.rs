//! Arguments with wildcards (GRUB, `grub-core/commands/wildcard.c`).

/// A character of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Character(char),
    Star,
    Any,
}

/// What can be looked up in a machine.
pub(crate) trait Names {
    /// Names of all devices, without parentheses.
    fn devices(&self) -> Vec<String>;
    /// Names in a directory, which ends with a slash; nothing where there is none.
    fn list(&mut self, directory: &str) -> Vec<String>;
    /// Whether there is something.
    fn exists(&mut self, path: &str) -> bool;
}

/// Arguments that a pattern stands for; `None` where it has no wildcard, or nothing is found.
pub(crate) fn expand(argument: &str, names: &mut dyn Names) -> Option<Vec<String>> {
    if !argument.starts_with(['/', '(', '*']) {
        return None;
    }
    let pieces = pieces(argument);
    if !pieces.iter().any(|piece| matches!(piece, Piece::Star | Piece::Any)) {
        return None;
    }
    let (device, path) = split_device(&pieces);
    let mut found = if device.iter().all(|piece| matches!(piece, Piece::Character(_))) {
        vec![text(device)]
    } else {
        let devices = names.devices().into_iter().map(|name| format!("({name})"));
        devices.filter(|name| matches(device, name)).collect()
    };
    let mut patterns = 0;
    let mut literal = false;
    for (index, component) in path.split(|&piece| piece == Piece::Character('/')).enumerate() {
        // The text before the first slash is empty, or belongs to the device.
        if index == 0 {
            continue;
        }
        literal = component.iter().all(|piece| matches!(piece, Piece::Character(_)));
        if literal {
            let name = text(component);
            found.iter_mut().for_each(|path| *path = format!("{path}/{name}"));
            continue;
        }
        patterns += 1;
        let mut next = Vec::new();
        for directory in &found {
            let listed = names.list(&format!("{directory}/"));
            let fits = listed.into_iter().filter(|name| name != "." && name != ".." && matches(component, name));
            next.extend(fits.map(|name| format!("{directory}/{name}")));
        }
        found = next;
    }
    if literal && patterns > 0 {
        found.retain(|path| names.exists(path));
    }
    (!found.is_empty()).then_some(found)
}

fn pieces(argument: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut characters = argument.chars();
    while let Some(character) = characters.next() {
        pieces.push(match character {
            '\\' => match characters.next() {
                Some(next) => Piece::Character(next),
                None => break,
            },
            '*' => Piece::Star,
            '?' => Piece::Any,
            other => Piece::Character(other),
        });
    }
    pieces
}

/// `(device)` and what is behind it.
fn split_device(pieces: &[Piece]) -> (&[Piece], &[Piece]) {
    match pieces.first() {
        Some(Piece::Character('/')) => (&[], pieces),
        _ => {
            let close = pieces.iter().position(|&piece| piece == Piece::Character('/'));
            pieces.split_at(close.unwrap_or(pieces.len()))
        }
    }
}

fn text(pieces: &[Piece]) -> String {
    pieces.iter().filter_map(|piece| if let Piece::Character(one) = piece { Some(*one) } else { None }).collect()
}

/// Whether the whole name fits. Only the last star has to be tried again.
fn matches(pattern: &[Piece], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while let Some(&character) = name.get(n) {
        match pattern.get(p) {
            Some(Piece::Star) => {
                p += 1;
                star = Some((p, n));
            }
            Some(&piece) if piece == Piece::Any || piece == Piece::Character(character) => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((after, from)) = star else { return false };
                (p, n) = (after, from + 1);
                star = Some((after, from + 1));
            }
        }
    }
    pattern[p..].iter().all(|&piece| piece == Piece::Star)
}

#[cfg(test)]
mod tests {
    use super::{Names, expand};

    struct Few;

    impl Names for Few {
        fn devices(&self) -> Vec<String> {
            vec!["hd0".to_owned(), "hd0,gpt1".to_owned(), "hd0,gpt2".to_owned()]
        }

        fn list(&mut self, directory: &str) -> Vec<String> {
            let names: &[&str] = match directory {
                "/" | "(hd0,gpt2)/" => &["boot", "b*", "etc"],
                "(hd0,gpt2)/boot/" => &["vmlinuz-2", "vmlinuz-1", "grub"],
                _ => &[],
            };
            names.iter().map(|&name| name.to_owned()).collect()
        }

        fn exists(&mut self, path: &str) -> bool {
            path == "(hd0,gpt2)/boot/grub"
        }
    }

    #[test]
    fn patterns_stand_for_what_is_there() {
        for (argument, expected) in [
            ("/b*", Some(vec!["/boot", "/b*"])),
            ("/b\\*", None),
            ("/?tc", Some(vec!["/etc"])),
            ("b*", None),
            ("/nosuch*", None),
            ("(hd0,gpt2)/boot/vmlinuz-*", Some(vec!["(hd0,gpt2)/boot/vmlinuz-2", "(hd0,gpt2)/boot/vmlinuz-1"])),
            ("(hd0,gpt2)/b*/v*-1", Some(vec!["(hd0,gpt2)/boot/vmlinuz-1"])),
            ("(hd0,gpt*)/boot/grub", Some(vec!["(hd0,gpt1)/boot/grub", "(hd0,gpt2)/boot/grub"])),
            ("(hd0,gpt2)/*/grub", Some(vec!["(hd0,gpt2)/boot/grub"])),
            ("(hd*)", Some(vec!["(hd0)", "(hd0,gpt1)", "(hd0,gpt2)"])),
        ] {
            let expected: Option<Vec<String>> = expected.map(|paths| paths.into_iter().map(str::to_owned).collect());
            assert_eq!(expand(argument, &mut Few), expected, "{argument}");
        }
    }
}
