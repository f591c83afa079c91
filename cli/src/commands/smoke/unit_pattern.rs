//! Names of units with wildcards.

use std::str::FromStr;

use regex::Regex;

/// A name in which `*` stands for any characters and `?` for one.
#[derive(Clone, Debug)]
pub(crate) struct UnitPattern(Regex);

impl UnitPattern {
    pub(crate) fn is_match(&self, unit: &str) -> bool {
        self.0.is_match(unit)
    }
}

impl FromStr for UnitPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // systemd.unit(5), "Description": what names are made of. Anything else would match nothing, in silence.
        let allowed = |character: char| character.is_ascii_alphanumeric() || ":-_.\\@*?".contains(character);
        if text.is_empty() || !text.chars().all(allowed) {
            return Err("expected the name of a unit, such as foo.service or foo@*.service".to_owned());
        }
        let pattern = regex::escape(text).replace(r"\*", ".*").replace(r"\?", ".");
        Regex::new(&format!("^{pattern}$")).map(Self).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::UnitPattern;

    #[test]
    fn wildcards_stand_for_characters_and_all_else_for_itself() {
        for (pattern, unit, matches) in [
            ("a.service", "a.service", true),
            ("a.service", "axservice", false),
            ("a.service", "aa.service", false),
            ("a.service", "a.service2", false),
            ("*", "anything.mount", true),
            ("a@*.service", "a@.service", true),
            ("a@*.service", "a@b.c.service", true),
            ("a?.service", "ab.service", true),
            ("a?.service", "a.service", false),
            (r"dev-x\x2dy.swap", r"dev-x\x2dy.swap", true),
            ("systemd-*.service", "other-systemd-x.service", false),
        ] {
            assert_eq!(pattern.parse::<UnitPattern>().unwrap().is_match(unit), matches, "{pattern} {unit}");
        }
        for wrong in ["", "a b", "a[bc].service", "(a)", "a|b", "/a"] {
            assert!(wrong.parse::<UnitPattern>().is_err(), "{wrong}");
        }
    }
}
