//! `selinux/config`: whether SELinux is on, and with which policy.

/// What a configuration file says of a system that uses SELinux.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Enabled<'a> {
    /// Name of the policy: `SELINUXTYPE`.
    pub(crate) policy: &'a [u8],
}

/// libselinux: `SELINUXDEFAULT`, the policy where the file names none.
const DEFAULT_POLICY: &[u8] = b"targeted";

/// Reads the configuration as libselinux' `selinux_getenforcemode` and `init_selinux_config` do; `None` where SELinux
/// is off or nothing is said about it.
///
/// The first `SELINUX=` with a known value decides, the last `SELINUXTYPE=` does. Only the latter may be indented.
pub(crate) fn parse(text: &[u8]) -> Option<Enabled<'_>> {
    let lines = || text.split(|&byte| byte == b'\n');
    let enabled = lines().filter_map(|line| line.strip_prefix(b"SELINUX=")).find_map(|value| {
        let value = value.trim_ascii_start();
        if has_prefix(value, b"enforcing") || has_prefix(value, b"permissive") {
            Some(true)
        } else if has_prefix(value, b"disabled") {
            Some(false)
        } else {
            None
        }
    })?;
    let tag = b"SELINUXTYPE=";
    let policy = lines()
        .map(<[u8]>::trim_ascii)
        .rfind(|line| has_prefix(line, tag))
        .map_or(DEFAULT_POLICY, |line| line[tag.len()..].trim_ascii());
    enabled.then_some(Enabled { policy })
}

fn has_prefix(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_mode_and_the_policy_are_read_as_libselinux_reads_them() {
        for (text, expected) in [
            ("SELINUX=enforcing\nSELINUXTYPE=targeted\n", Some("targeted")),
            ("# SELINUX=disabled\nSELINUX=permissive\nSELINUXTYPE=default", Some("default")),
            ("SELINUX=Enforcing # for now\n  SELINUXTYPE= mls \r\n", Some("mls")),
            ("SELINUXTYPE=a\nSELINUX=enforcing\nSELINUXTYPE=b\n", Some("b")),
            ("SELINUX=enforcing\nSELINUX=disabled\n", Some("targeted")),
            ("SELINUX=maybe\nSELINUX=enforcing\n", Some("targeted")),
            ("SELINUX=disabled\nSELINUXTYPE=targeted\n", None),
            (" SELINUX=enforcing\n", None),
            ("SELINUXTYPE=targeted\n", None),
            ("", None),
        ] {
            let policy = parse(text.as_bytes()).map(|enabled| String::from_utf8_lossy(enabled.policy).into_owned());
            assert_eq!(policy.as_deref(), expected, "{text:?}");
        }
    }
}
