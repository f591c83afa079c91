//! The directories at the root.

use builder_tree::{Directory, Node, join};

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

pub(crate) static API_BASE_DIRECTORIES: Check = Check {
    name: "api-base-directories",
    severity: Severity::Fatal,
    origin: Origin::Bootc,
    summary: "One of `/dev`, `/proc`, `/sys`, `/run`, `/tmp` and `/var` is missing, or is no directory",
    reason: "The kernel's file systems are mounted there before anything could make the directories, as the root is \
             read-only by then",
    fix: "RUN mkdir -p /dev /proc /sys /run /tmp /var",
    run: Run::Once(api_base_directories),
};

fn api_base_directories(subject: &Subject, findings: &mut Findings<'_>) {
    for name in ["dev", "proc", "sys", "run", "tmp", "var"] {
        match subject.get(name) {
            None => findings.at(name.as_bytes(), "it is missing"),
            Some(Node::Leaf(inode)) => {
                findings.at(name.as_bytes(), format!("it is a {}, not a directory", inode.kind.name()));
            }
            Some(Node::Directory(_)) => {}
        }
    }
}

pub(crate) static VAR_RUN: Check = Check {
    name: "var-run",
    severity: Severity::Fatal,
    origin: Origin::Bootc,
    summary: "`/var/run` is something else than a symbolic link",
    reason: "Programs that use /var/run mean /run, which is empty at every boot; a directory there keeps the \
             sockets and process numbers of earlier boots",
    fix: "RUN rm -rf /var/run",
    run: Run::Once(var_run),
};

fn var_run(subject: &Subject, findings: &mut Findings<'_>) {
    match subject.get("var/run") {
        Some(node) if node.kind_name() != "symbolic link" => {
            findings.at(b"var/run", format!("it is a {}, not a symbolic link", node.kind_name()));
        }
        _ => {}
    }
}

pub(crate) static NONEMPTY_BOOT: Check = Check {
    name: "nonempty-boot",
    severity: Severity::Warning,
    origin: Origin::Bootc,
    summary: "`/boot` is missing, or has something in it besides `EFI`",
    reason: "The machine's own /boot lies over the image's, so nothing in it is ever seen; kernels belong to \
             /usr/lib/modules/VERSION, and the files of an ESP to /usr/lib/bootupd/updates",
    fix: "RUN rm -rf /boot && mkdir /boot",
    run: Run::Once(nonempty_boot),
};

fn nonempty_boot(subject: &Subject, findings: &mut Findings<'_>) {
    // Some tools that make installers ask for the ESP's files in /boot, where this check does not want them.
    const ESP: &str = "# bootupd, and diskwright, take the files of the ESP from here\n\
                       RUN mkdir -p /usr/lib/bootupd/updates && mv /boot/efi/EFI /usr/lib/bootupd/updates/ && \
                       rm -rf /boot/efi";
    let Some(boot) = subject.directory("boot") else { return findings.at(b"boot", "there is no such directory") };
    for (name, node) in boot.entries.iter().filter(|(name, _)| *name != b"EFI") {
        let message = format!("a {} that the machine's /boot hides", node.kind_name());
        let has_esp = name == b"efi" && node.as_directory().is_some_and(|efi| efi.get(b"EFI").is_some());
        if has_esp {
            findings.at_with_fix(&join(b"boot", name), message, ESP);
        } else {
            findings.at(&join(b"boot", name), message);
        }
    }
}

pub(crate) static NONEMPTY_RUN_TMP: Check = Check {
    name: "nonempty-run-tmp",
    severity: Severity::Warning,
    origin: Origin::Bootc,
    summary: "There is something in `/run` or `/tmp`",
    reason: "Both are file systems in memory on a running machine: what an image has there was left behind by its \
             build, and is never seen",
    fix: "RUN --mount=type=tmpfs,target=/run --mount=type=tmpfs,target=/tmp COMMAND\n\
          # or at the end of the command that leaves it\nRUN rm -rf /run/* /tmp/*",
    run: Run::Once(nonempty_run_tmp),
};

/// What container tools mount, with the directories that they make for it.
const MOUNTED: [&[u8]; 3] = [b"systemd", b"resolve", b"stub-resolv.conf"];

fn nonempty_run_tmp(subject: &Subject, findings: &mut Findings<'_>) {
    let mut look = |top: &str, mounted: &[&[u8]]| {
        if let Some(Node::Directory(directory)) = subject.get(top) {
            left_behind(top.as_bytes(), directory, mounted, findings);
        }
    };
    look("run", &MOUNTED);
    look("tmp", &[]);
}

/// Names the entries of a directory, but for the chain of `mounted` and nothing else.
fn left_behind(path: &[u8], directory: &Directory, mounted: &[&[u8]], findings: &mut Findings<'_>) {
    for (name, node) in &directory.entries {
        let path = join(path, name);
        match (mounted.split_first(), node) {
            (Some((first, [])), Node::Leaf(_)) if name == first => {}
            (Some((first, rest)), Node::Directory(below)) if name == first && !rest.is_empty() => {
                left_behind(&path, below, rest, findings);
            }
            _ => findings.at(&path, format!("a {}", node.kind_name())),
        }
    }
}
