//! What systemd-boot reads of a unified kernel's os-release(5), to sort it and to give it a title.

/// Name, version and sort key (systemd, `src/fundamental/bootspec-fundamental.c`).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) title: String,
    pub(crate) version: Option<String>,
    pub(crate) sort_key: Option<String>,
}

impl Names {
    /// `None` where nothing names the system: then systemd-boot lists nothing.
    pub(crate) fn pick(os_release: &str) -> Option<Self> {
        let first = |keys: &[&str]| keys.iter().find_map(|key| last(os_release, key)).map(str::to_owned);
        Some(Self {
            title: first(&["PRETTY_NAME", "IMAGE_ID", "NAME", "ID"])?,
            version: first(&["IMAGE_VERSION", "VERSION", "VERSION_ID", "BUILD_ID"]),
            sort_key: first(&["IMAGE_ID", "ID"]),
        })
    }
}

/// The value of the last line with this key.
fn last<'t>(os_release: &'t str, key: &str) -> Option<&'t str> {
    let lines = os_release.split(['\n', '\0']).map(|line| line.trim_matches([' ', '\t', '\r']));
    let mut values = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    let (_, value) = values.rfind(|(name, _)| *name == key)?;
    let unquoted = ['"', '\''].iter().find_map(|&quote| value.strip_prefix(quote)?.strip_suffix(quote));
    Some(unquoted.unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn the_most_telling_fields_are_picked() {
        for (text, expected) in [
            (
                "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME='Debian 12'\n",
                Some(("Debian 12", Some("12"), Some("debian"))),
            ),
            (
                "ID=a\nIMAGE_ID=b\r\nNAME=c\n# NAME=d\nIMAGE_VERSION=2\nVERSION=1\nID=e",
                Some(("b", Some("2"), Some("b"))),
            ),
            ("NAME=c\nBUILD_ID=7", Some(("c", Some("7"), None))),
            ("NAME=a\nNAME=b\0NAME=c", Some(("c", None, None))),
            ("VERSION=1", None),
            ("", None),
        ] {
            let names = Names::pick(text);
            let found =
                names.as_ref().map(|names| (&*names.title, names.version.as_deref(), names.sort_key.as_deref()));
            assert_eq!(found, expected, "{text}");
        }
    }
}
