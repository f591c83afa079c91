//! Configuration in TOML fragments: kernel arguments and how the image wants to be installed.

use std::sync::Arc;

use builder_boot::{Architecture, BootError, InstallConfig};
use builder_tree::{FileTree, Inode, Metadata, Node, join};

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

pub(crate) static BOOTC_KARGS: Check = Check {
    name: "bootc-kargs",
    severity: Severity::Fatal,
    origin: Origin::Bootc,
    summary: "A file of `/usr/lib/bootc/kargs.d` cannot be understood",
    reason: "Both bootc and diskwright stop at it, and take no kernel arguments from such an image",
    fix: "# each file: kargs = [\"ARGUMENT\", …], and if wanted match-architectures = [\"x86_64\"]\n\
          COPY 10-console.toml /usr/lib/bootc/kargs.d/10-console.toml",
    run: Run::Once(bootc_kargs),
};

pub(crate) static INSTALL_CONFIG: Check = Check {
    name: "install-config",
    severity: Severity::Fatal,
    origin: Origin::Diskwright,
    summary: "A file of `/usr/lib/bootc/install` cannot be understood",
    reason: "It says how the image wants to be installed, and no installation goes on without that being known",
    fix: "# each file: a table [install] with keys such as root-fs-type, kargs, stateroot\n\
          COPY 00-defaults.toml /usr/lib/bootc/install/00-defaults.toml",
    run: Run::Once(install_config),
};

pub(crate) static INSTALL_CONFIG_IGNORED: Check = Check {
    name: "install-config-ignored",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "A file of `/usr/lib/bootc/install` asks for something that diskwright does not do",
    reason: "The disk will be otherwise than the image asks for",
    fix: "# take the key out, or say the same with options of diskwright build\n\
          COPY 00-defaults.toml /usr/lib/bootc/install/00-defaults.toml",
    run: Run::Once(install_config_ignored),
};

const KARGS: [&str; 1] = ["usr/lib/bootc/kargs.d"];
const INSTALL: [&str; 4] =
    ["usr/lib/bootc/install", "usr/local/lib/bootc/install", "etc/bootc/install", "usr/etc/bootc/install"];

/// A fragment: its path, its name, and the file that these lead to.
struct Fragment<'t> {
    path: Vec<u8>,
    name: &'t [u8],
    inode: &'t Arc<Inode>,
}

fn fragments<'t>(subject: &'t Subject, directories: &[&str]) -> Vec<Fragment<'t>> {
    let mut found = Vec::new();
    for directory in directories {
        let Some(entries) = subject.directory(directory) else { continue };
        for name in entries.entries.keys().filter(|name| name.ends_with(b".toml")) {
            let path = join(directory.as_bytes(), name);
            let inode = subject.tree.resolve(&path).ok().flatten().and_then(Node::as_leaf);
            if let Some(inode) = inode.filter(|inode| inode.content().is_some()) {
                found.push(Fragment { path, name, inode });
            }
        }
    }
    found
}

impl Fragment<'_> {
    /// A tree with this fragment alone in `directory`: so each one is understood, or not, by itself.
    fn alone_in(&self, directory: &str) -> FileTree {
        let mut tree = FileTree::new();
        // An empty tree has nothing in the way.
        let _ = tree.insert(&join(directory.as_bytes(), self.name), Arc::clone(self.inode), &Metadata::root(0o755));
        tree
    }

    fn tell(&self, error: BootError, subject: &Subject, findings: &mut Findings<'_>) {
        match error {
            BootError::Read { source, .. } if source.kind() != std::io::ErrorKind::FileTooLarge => subject.fail(source),
            BootError::Read { source, .. } => findings.at(&self.path, source.to_string()),
            BootError::Config { message, .. } => findings.at(&self.path, in_one_line(&message)),
            error => findings.at(&self.path, error.to_string()),
        }
    }
}

/// The place and the reason of a message that draws the line between them.
fn in_one_line(message: &str) -> String {
    let mut lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next_back()) {
        (Some(place), Some(reason)) => format!("{place}: {reason}"),
        (Some(only), None) => only.to_owned(),
        (None, _) => "it cannot be understood".to_owned(),
    }
}

fn architecture(subject: &Subject) -> Architecture {
    // It only decides which fragments apply: all are understood or not whatever it is.
    subject.architecture().unwrap_or(Architecture::X86_64)
}

fn bootc_kargs(subject: &Subject, findings: &mut Findings<'_>) {
    for fragment in fragments(subject, &KARGS) {
        let tree = fragment.alone_in(KARGS[0]);
        let read = builder_boot::image_arguments(&tree, architecture(subject), &InstallConfig::default());
        if let Err(error) = read {
            fragment.tell(error, subject, findings);
        }
    }
}

fn install_config(subject: &Subject, findings: &mut Findings<'_>) {
    for fragment in fragments(subject, &INSTALL) {
        if let Err(error) = InstallConfig::read(&fragment.alone_in(INSTALL[0]), architecture(subject)) {
            fragment.tell(error, subject, findings);
        }
    }
}

fn install_config_ignored(subject: &Subject, findings: &mut Findings<'_>) {
    for fragment in fragments(subject, &INSTALL) {
        let read = InstallConfig::read(&fragment.alone_in(INSTALL[0]), architecture(subject));
        // What cannot be understood is told by another check.
        for warning in read.map(|config| config.warnings).unwrap_or_default() {
            // It begins with the path in the tree that was made for it.
            let told = format!("{}/{}", INSTALL[0], String::from_utf8_lossy(fragment.name));
            let message = warning.strip_prefix(&told).unwrap_or(&warning).trim_start_matches([' ', ':']);
            findings.at(&fragment.path, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::in_one_line;

    #[test]
    fn a_message_of_several_lines_becomes_one() {
        for (message, line) in [
            (
                "TOML parse error at line 2, column 1\n  |\n2 | a = 1\n  | ^\nunknown field `a`\n",
                "TOML parse error at line 2, column 1: unknown field `a`",
            ),
            ("install.kargs must be a list", "install.kargs must be a list"),
            ("", "it cannot be understood"),
        ] {
            assert_eq!(in_one_line(message), line);
        }
    }
}
