//! Kernel arguments: whose they are and in which order they stand.

use builder_tree::FileTree;
use serde::Deserialize;

use crate::install_config::{InstallConfig, fragments};
use crate::{Architecture, BootError};

const DIRECTORIES: [&str; 1] = ["usr/lib/bootc/kargs.d"];

/// A file of `kargs.d`; unknown keys are errors, as in bootc.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Fragment {
    kargs: Vec<String>,
    match_architectures: Option<Vec<String>>,
}

/// What the arguments of a disk are put together from, besides the image.
#[derive(Clone, Copy, Debug)]
pub struct KernelArguments<'a> {
    /// UUID of the root file system.
    pub root_uuid: &'a str,
    /// UUID of `/boot`, where that is a file system of its own.
    pub boot_uuid: Option<&'a str>,
    /// Arguments to add.
    pub add: &'a [String],
    /// Arguments to take out: `KEY` or `KEY=VALUE`.
    pub delete: &'a [String],
    /// The argument that names the deployment.
    pub ostree: &'a str,
}

impl KernelArguments<'_> {
    /// All arguments in bootc's order: root, install configuration, `kargs.d`, deletions, additions, ostree.
    ///
    /// # Errors
    /// A `kargs.d` file is wrong, an argument cannot stand in a boot entry, or a deletion finds nothing.
    pub fn assemble(
        &self,
        tree: &FileTree,
        architecture: Architecture,
        install: &InstallConfig,
    ) -> Result<Vec<String>, BootError> {
        let mut arguments = Vec::new();
        match install.root_mount_spec.as_deref() {
            None => arguments.push(format!("root=UUID={}", self.root_uuid)),
            // The image leaves finding the root to systemd, by its partition's type.
            Some("") => {}
            Some(spec) => arguments.push(format!("root={spec}")),
        }
        arguments.push("rw".to_owned());
        arguments.extend(self.boot_uuid.map(|uuid| format!("boot=UUID={uuid}")));
        let mut image = image_arguments(tree, architecture, install)?;
        for delete in self.delete {
            let before = image.len();
            image.retain(|argument| !is(argument, delete));
            if image.len() == before {
                return Err(BootError::NothingToDelete { argument: delete.clone(), present: image });
            }
        }
        arguments.extend(image);
        arguments.extend(self.add.iter().cloned());
        arguments.push(self.ostree.to_owned());
        arguments.iter().try_for_each(|argument| check_argument(argument))?;
        Ok(arguments)
    }
}

/// The arguments that the image itself sets.
///
/// # Errors
/// A `kargs.d` file is wrong: the message has file and line.
pub fn image_arguments(
    tree: &FileTree,
    architecture: Architecture,
    install: &InstallConfig,
) -> Result<Vec<String>, BootError> {
    let mut arguments = install.kargs.clone();
    for (path, text) in fragments(tree, &DIRECTORIES)? {
        let fragment: Fragment =
            toml::from_str(&text).map_err(|error| BootError::Config { path, message: error.to_string() })?;
        let applies =
            fragment.match_architectures.is_none_or(|names| names.iter().any(|name| name == architecture.name()));
        if applies {
            arguments.extend(fragment.kargs);
        }
    }
    arguments.retain(|argument| !install.karg_deletes.iter().any(|delete| is(argument, delete)));
    // A line of several arguments in one string is usual in kargs.d.
    Ok(arguments.iter().flat_map(|argument| argument.split_ascii_whitespace()).map(str::to_owned).collect())
}

/// Whether `argument` is the one that `wanted` names, by its key alone or with its value.
fn is(argument: &str, wanted: &str) -> bool {
    argument == wanted || argument.split_once('=').is_some_and(|(key, _)| key == wanted)
}

/// Looks through a kernel argument: it goes through a line of a boot entry and, in most GRUBs, through GRUB's own shell.
///
/// # Errors
/// [`BootError::Argument`]: it is empty, would be two, or has what boot loaders do not pass on.
pub fn check_argument(argument: &str) -> Result<(), BootError> {
    let bad = |problem| BootError::Argument { argument: argument.to_owned(), problem };
    if argument.is_empty() {
        return Err(bad("is empty"));
    }
    if argument.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(bad("has a blank in it, which would make it two"));
    }
    if argument.contains(|c| ";{}&|<>$#\\\"'`".contains(c)) {
        return Err(bad("has a character in it that boot loaders do not pass on"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::KernelArguments;
    use crate::{Architecture, InstallConfig};

    fn tree(files: &[(&str, &str)]) -> FileTree {
        let mut tree = FileTree::new();
        for (name, text) in files {
            let inode = Inode::regular(Metadata::root(0o644), Content::bytes(text.as_bytes().to_vec()));
            let path = format!("usr/lib/bootc/kargs.d/{name}");
            tree.insert(path.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
        }
        tree
    }

    fn owned(list: &[&str]) -> Vec<String> {
        list.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn arguments_stand_in_bootcs_order() {
        let tree = tree(&[
            ("20.toml", "kargs = ['console=tty0 console=ttyS0', 'quiet']"),
            ("10.toml", "kargs = ['first=1']\nmatch-architectures = ['x86_64']"),
            ("30.toml", "kargs = ['arm']\nmatch-architectures = ['aarch64']"),
        ]);
        let install = InstallConfig {
            kargs: owned(&["install=1", "gone=1"]),
            karg_deletes: owned(&["gone"]),
            ..InstallConfig::default()
        };
        let (add, delete) = (owned(&["mine", "quiet"]), owned(&["quiet"]));
        let arguments =
            KernelArguments { root_uuid: "R", boot_uuid: Some("B"), add: &add, delete: &delete, ostree: "ostree=/x" };
        let line = arguments.assemble(&tree, Architecture::X86_64, &install).unwrap().join(" ");
        assert_eq!(
            line,
            "root=UUID=R rw boot=UUID=B install=1 first=1 console=tty0 console=ttyS0 mine quiet ostree=/x"
        );
        let install = InstallConfig { root_mount_spec: Some(String::new()), ..InstallConfig::default() };
        let arguments = KernelArguments { boot_uuid: None, delete: &[], ..arguments };
        let line = arguments.assemble(&tree, Architecture::Aarch64, &install).unwrap().join(" ");
        assert_eq!(line, "rw console=tty0 console=ttyS0 quiet arm mine quiet ostree=/x");
    }

    #[test]
    fn what_cannot_be_passed_on_is_refused() {
        for (add, delete, files, words) in [
            (&["a b"][..], &[][..], &[][..], "has a blank in it"),
            (&["a;b"], &[], &[], "has a character in it"),
            (&[""], &[], &[], "is empty"),
            (
                &[],
                &["quiet"],
                &[("1.toml", "kargs=['a=1']")],
                "no kernel argument `quiet` to delete; the image sets a=1",
            ),
            (
                &[],
                &[],
                &[("1.toml", "kargs=['a']\ncolour=1")],
                "usr/lib/bootc/kargs.d/1.toml: TOML parse error at line 2",
            ),
        ] {
            let arguments = KernelArguments {
                root_uuid: "R",
                boot_uuid: None,
                add: &owned(add),
                delete: &owned(delete),
                ostree: "o",
            };
            let error = arguments.assemble(&tree(files), Architecture::X86_64, &InstallConfig::default()).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
