//! Options of commands (GRUB, `grub-core/lib/arg.c`).

/// What an option takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    Nothing,
    Value,
    /// A value, if one can be seen.
    Optional,
}

/// An option: its long name, its short one, and what it takes.
pub(crate) type Spec = (&'static str, Option<char>, Takes);

/// What a command does with an option that it does not know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strange {
    Refused,
    /// It is an argument as any other.
    Argument,
}

/// Options and what is left.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    given: Vec<(&'static str, Option<String>)>,
    pub(crate) rest: Vec<String>,
}

impl Options {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.given.iter().any(|&(given, _)| given == name)
    }

    /// The value of an option that was given last.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values(name).last()
    }

    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.given.iter().filter(move |&&(given, _)| given == name).filter_map(|(_, value)| value.as_deref())
    }
}

/// Options may stand between arguments, up to `--`.
pub(crate) fn parse(specs: &[Spec], arguments: &[String], strange: Strange) -> Result<Options, String> {
    let mut options = Options::default();
    let mut at = 0;
    while let Some(argument) = arguments.get(at) {
        at += 1;
        if !argument.starts_with('-') || argument == "-" {
            options.rest.push(argument.clone());
        } else if argument == "--" {
            options.rest.extend(arguments.iter().skip(at).cloned());
            break;
        } else if let Some(long) = argument.strip_prefix("--") {
            let (name, mut value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let Some(&(name, _, takes)) = specs.iter().find(|(known, ..)| *known == name) else {
                if matches!(name, "help" | "usage") {
                    return Err(format!("`--{name}` shows a help text and does nothing"));
                }
                if strange == Strange::Refused {
                    return Err(format!("unknown option `{argument}`"));
                }
                options.rest.push(argument.clone());
                continue;
            };
            if value.is_none()
                && takes != Takes::Nothing
                && let Some(next) = arguments.get(at).filter(|next| !next.starts_with('-'))
            {
                value = Some(next.as_str());
                at += 1;
            }
            options.given.push((name, check(name, takes, value)?));
        } else {
            let short = |character: char| specs.iter().find(|&&(_, known, _)| known == Some(character));
            if strange == Strange::Argument && argument.chars().skip(1).any(|one| short(one).is_none()) {
                options.rest.push(argument.clone());
                continue;
            }
            let mut characters = argument.chars().skip(1).peekable();
            while let Some(character) = characters.next() {
                let Some(&(name, _, takes)) = short(character) else {
                    return Err(format!("unknown option `-{character}`"));
                };
                let mut value = None;
                if characters.peek().is_none()
                    && takes != Takes::Nothing
                    && let Some(next) = arguments.get(at)
                    && (takes == Takes::Value || next.len() < 2 || !next.starts_with('-'))
                {
                    value = Some(next.as_str());
                    at += 1;
                }
                options.given.push((name, check(name, takes, value)?));
            }
        }
    }
    Ok(options)
}

fn check(name: &str, takes: Takes, value: Option<&str>) -> Result<Option<String>, String> {
    match (takes, value) {
        (Takes::Nothing, Some(value)) => Err(format!("`--{name}` takes no value, and got `{value}`")),
        (Takes::Value, None) => Err(format!("`--{name}` needs a value")),
        _ => Ok(value.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Spec, Strange, Takes, parse};

    const SPECS: [Spec; 3] =
        [("set", Some('s'), Takes::Optional), ("quiet", Some('q'), Takes::Nothing), ("file", Some('f'), Takes::Value)];

    #[test]
    fn options_are_found_between_arguments() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let read = |line: &str, strange| {
            let options = parse(&SPECS, &words(line), strange)?;
            let set = options.has("set").then(|| options.value("set").unwrap_or("?").to_owned());
            Ok::<_, String>((set, options.value("file").map(str::to_owned), options.rest.join(" ")))
        };
        let some = |text: &str| Some(text.to_owned());
        for (line, expected) in [
            ("a --set=b -q c", (some("b"), None, "a c".to_owned())),
            ("--set b c", (some("b"), None, "c".to_owned())),
            ("--set --file x c", (some("?"), some("x"), "c".to_owned())),
            ("-qs b - --", (some("b"), None, "-".to_owned())),
            ("-s -q c", (some("?"), None, "c".to_owned())),
            ("-f -q c", (None, some("-q"), "c".to_owned())),
            ("--file= x", (None, some(""), "x".to_owned())),
            ("a -- -q --set", (None, None, "a -q --set".to_owned())),
        ] {
            assert_eq!(read(line, Strange::Refused), Ok(expected), "{line}");
        }
        for line in ["--nosuch", "-x", "--quiet=1", "--file", "-f", "--help"] {
            read(line, Strange::Refused).unwrap_err();
        }
        assert_eq!(read("--nosuch -x -qx", Strange::Argument), Ok((None, None, "--nosuch -x -qx".to_owned())));
    }
}
