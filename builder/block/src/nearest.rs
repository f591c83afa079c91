//! The name that was meant.

/// The one of `known` that is least different from `name`, if it is not altogether another one.
#[must_use]
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Longer texts are no slips of a finger, and not worth the time.
    const LONGEST: usize = 64;
    if name.len() > LONGEST {
        return None;
    }
    let name = name.to_lowercase();
    let (steps, found) = known.into_iter().map(|known| (distance(&name, known), known)).min()?;
    (steps <= found.len().max(name.len()) / 2).then_some(found)
}

/// Characters to be put in, taken out or changed to make one text of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    // For the characters of `one` seen so far: the distance to each beginning of `other`.
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (seen, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = seen + 1;
        for (at, &b) in other.iter().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[at + 1];
            row[at + 1] = changed.min(row[at] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn the_nearest_name_is_the_one_with_the_fewest_changes() {
        for (one, other, steps) in [("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0), ("ab", "ba", 2)] {
            assert_eq!((distance(one, other), distance(other, one)), (steps, steps), "{one} {other}");
        }
        let known = ["var-run", "var-log", "kernel"];
        for (name, found) in [
            ("var-logs", Some("var-log")),
            ("Kernel", Some("kernel")),
            ("varrun", Some("var-run")),
            ("completely-other", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), found, "{name}");
        }
        assert_eq!(nearest(&"k".repeat(1 << 20), known), None);
        assert_eq!(nearest("x", []), None);
    }
}
