//! The labels of homes, as the image's SELinux policy has them.

use crate::error::ProvisionError;
use crate::installed::Installed;

/// Labels of what is in a home.
#[derive(Clone, Debug)]
pub(crate) struct HomeLabels {
    /// The directory.
    pub(crate) home: String,
    /// `.ssh` and all in it.
    pub(crate) ssh: String,
    /// All else.
    pub(crate) other: String,
}

/// Expressions of homes in `file_contexts`, with what follows them for a directory. libsemanage makes those of people out of
/// templates (genhomedircon(8)), so they read the same in every policy.
const PEOPLE: [&str; 3] = ["/home/[^/]+", r"/home/[^/]+/\.ssh(/.*)?", "/home/[^/]+/.+"];
const ROOT: [&str; 3] = ["/root", r"/root/\.ssh(/.*)?", "/root/.+"];

impl HomeLabels {
    /// Those of people's homes; `None` where there are no labels or the policy has none for these.
    pub(crate) fn of_people(installed: &Installed) -> Result<Option<Self>, ProvisionError> {
        Self::read(installed, PEOPLE)
    }

    /// Those of root's home.
    pub(crate) fn of_root(installed: &Installed) -> Result<Option<Self>, ProvisionError> {
        Self::read(installed, ROOT)
    }

    /// The label of a path in a home; the home itself is the empty path.
    pub(crate) fn of(&self, path: &str) -> &str {
        match path.split('/').next() {
            Some("") | None => &self.home,
            Some(".ssh") => &self.ssh,
            Some(_) => &self.other,
        }
    }

    fn read(installed: &Installed, [home, ssh, other]: [&str; 3]) -> Result<Option<Self>, ProvisionError> {
        if !installed.labelled {
            return Ok(None);
        }
        let config = installed.deployment.read_text("etc/selinux/config")?.unwrap_or_default();
        let policy = config.lines().find_map(|line| line.strip_prefix("SELINUXTYPE=")).unwrap_or_default().trim();
        if policy.is_empty() || policy.contains(['/', '.']) {
            return Ok(None);
        }
        let contexts = format!("etc/selinux/{policy}/contexts/files/file_contexts");
        let mut text = Vec::new();
        for path in [format!("{contexts}.homedirs"), contexts] {
            text.extend(installed.deployment.read(&path)?.unwrap_or_default());
            text.push(b'\n');
        }
        let text = String::from_utf8_lossy(&text);
        let find = |expression: &str, kind: Option<&str>| {
            let mut lines = text.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
            lines.find_map(|words| match words[..] {
                [first, context] if first == expression && kind.is_none() => Some(context.to_owned()),
                [first, found, context] if first == expression && Some(found) == kind => Some(context.to_owned()),
                _ => None,
            })
        };
        let (Some(home), Some(ssh)) = (find(home, Some("-d")).or_else(|| find(home, None)), find(ssh, None)) else {
            return Ok(None);
        };
        let other = find(other, None).unwrap_or_else(|| home.clone());
        Ok(Some(Self { home, ssh, other }))
    }
}
