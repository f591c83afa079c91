//! The kernel and its modules.

use std::collections::BTreeSet;
use std::error::Error as _;

use builder_boot::Kernel;
use builder_kmod::{
    DRIVERS, Disagreement, KERNEL_HEAD_BYTES, KernelImageError, Machine, Module, ModuleInfo, Modules, ReadError, State,
    kernel_release, module_name, unpack,
};

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::checks::initramfs;
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

/// Largest module that is looked into, in bytes, packed and unpacked. Those that matter for the boot have some hundred
/// thousand.
const MODULE: u64 = 32 << 20;

/// Most releases that a message names.
const MOST_RELEASES: usize = 3;

pub(crate) static KERNEL_MODULES: Check = Check {
    name: "kernel-modules",
    severity: Severity::Fatal,
    origin: Origin::Diskwright,
    summary: "The kernel, its modules and those of the initramfs are not of one version, or not for one processor",
    reason: "A kernel looks for modules in the directory that has its own version as its name, and loads only those \
             that were built for it; without them it does not find the root. Of the modules those are looked into \
             that matter for the boot",
    fix: "# let one package bring the kernel and all its modules, and then make the initramfs anew\n\
          RUN v=$(ls /usr/lib/modules) && dracut --force --no-hostonly --reproducible --add ostree --kver \"$v\" \
          /usr/lib/modules/\"$v\"/initramfs.img",
    run: Run::Once(kernel_modules),
};

fn kernel_modules(subject: &Subject, findings: &mut Findings<'_>) {
    let Ok(kernel) = Kernel::find(&subject.tree) else { return };
    let directory = format!("usr/lib/modules/{}", kernel.version);
    if let Some(content) = kernel.vmlinuz.content() {
        // It has 128 KiB.
        let mut head = vec![0; usize::try_from(KERNEL_HEAD_BYTES).unwrap_or_default()];
        let path = format!("{directory}/vmlinuz");
        match kernel_release(subject.head(content, &mut head)) {
            Ok(Some(release)) if release != kernel.version => {
                let disagreement = Disagreement::KernelRelease { kernel: release, directory: directory.clone() };
                findings.at(path.as_bytes(), disagreement.to_string());
            }
            Err(error @ KernelImageError::Short { .. }) => findings.at(path.as_bytes(), error.to_string()),
            // Other forms do not say it in a place that is known; a release that is not where it should be is missed
            // by nobody at boot.
            Ok(_) | Err(_) => {}
        }
    }
    if let (Some(Ok(modules)), Some(machine)) = (subject.modules(), Machine::from_oci(&subject.platform.architecture)) {
        foreign_modules(subject, modules, machine, findings);
    }
    if let (Some(Ok(early)), Some(path)) = (subject.early(), initramfs::path(subject)) {
        let releases = early.modules.releases();
        if !releases.is_empty() && !releases.contains(kernel.version.as_str()) {
            let named: Vec<_> = releases.into_iter().take(MOST_RELEASES).collect();
            let message = format!("it has modules for {}, and the kernel is {}", named.join(", "), kernel.version);
            findings.at(&path, message);
        }
    }
}

/// Tells of modules that are for another kernel or another processor. What is wrong with one is wrong with many as a
/// rule, so one finding is enough.
fn foreign_modules(subject: &Subject, modules: &Modules, machine: Machine, findings: &mut Findings<'_>) {
    let names = DRIVERS.iter().filter(|driver| driver.is_for(machine)).flat_map(|driver| driver.provided_by);
    let found = names.filter_map(|name| match modules.state(name) {
        State::Module(module) => Some(modules.path_of(module)),
        State::Builtin | State::Missing => None,
    });
    let paths: BTreeSet<String> = found.collect();
    let mut first = None;
    let mut more = 0_usize;
    for path in &paths {
        let Some(info) = module_info(subject, path) else { continue };
        let disagreements = info.disagreements(path, modules.release(), machine);
        // The kernel loads those for the versions of the symbols that they use: what enterprise distributions rely on.
        let counts = |found: &Disagreement| !matches!(found, Disagreement::ModuleRelease { is_tolerated: true, .. });
        let Some(found) = disagreements.into_iter().find(counts) else { continue };
        match first {
            None => first = Some((path, found)),
            Some(_) => more += 1,
        }
    }
    if let Some((path, found)) = first {
        let looked = paths.len();
        let others = match more {
            0 => String::new(),
            more => format!("; something is wrong with {more} more of the {looked} that were looked into"),
        };
        findings.at(path.as_bytes(), format!("{found}{others}"));
    }
}

/// What the module at `path` says of itself; `None` where it cannot be read.
fn module_info(subject: &Subject, path: &str) -> Option<ModuleInfo> {
    let packed = subject.whole(subject.file(path)?.content()?, MODULE)?;
    ModuleInfo::parse(&unpack(&packed, MODULE).ok()?).ok()
}

pub(crate) static MODULES_INDEX: Check = Check {
    name: "modules-index",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "The lists that `depmod` makes are missing, damaged, or do not match the modules that are there",
    reason: "Nothing but these lists tells which module drives a device and what it needs; what they do not have is \
             not loaded",
    fix: "RUN v=$(ls /usr/lib/modules) && depmod \"$v\"",
    run: Run::Once(modules_index),
};

fn modules_index(subject: &Subject, findings: &mut Findings<'_>) {
    let Ok(Kernel { version, .. }) = Kernel::find(&subject.tree) else { return };
    let directory = format!("usr/lib/modules/{version}");
    match subject.modules() {
        None => {}
        // A kernel may have all that it needs built in.
        Some(Err(ReadError::NoDependencies { .. })) if !has_modules(subject, &directory) => {}
        Some(Err(error)) => findings.at(directory.as_bytes(), with_source(error)),
        Some(Ok(modules)) => {
            // What loads modules by itself, such as udev, reads the index; the text is for people and busybox.
            let index = format!("{directory}/modules.dep.bin");
            let has_some = modules.iter().any(|module| modules.is_present(module));
            if has_some && subject.file(&index).is_none() {
                findings.at(directory.as_bytes(), "there is modules.dep and no modules.dep.bin, which modprobe reads");
            }
            let lost: Vec<&Module> = modules.lost().collect();
            if let Some(first) = lost.first() {
                let path = modules.path_of(first);
                let message =
                    format!("modules.dep leads to files that are not there: {}, such as {path}", count(lost.len()));
                findings.at(directory.as_bytes(), message);
            }
            let unlisted: Vec<&str> = modules.unlisted().collect();
            if let Some(first) = unlisted.first() {
                let message =
                    format!("files that modules.dep does not have: {}, such as {first}", count(unlisted.len()));
                findings.at(directory.as_bytes(), message);
            }
        }
    }
    if let (Some(Ok(early)), Some(path)) = (subject.early(), initramfs::path(subject))
        && let Err(error) = early.modules.read(&version)
    {
        findings.at(&path, format!("in it: {}", with_source(&error)));
    }
}

fn count(modules: usize) -> String {
    format!("{modules} module{}", if modules == 1 { "" } else { "s" })
}

fn with_source(error: &ReadError) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

/// Whether there is a file below that is a module by its name.
fn has_modules(subject: &Subject, directory: &str) -> bool {
    let Some(directory) = subject.directory(directory) else { return false };
    let is_module = |path: &[u8]| std::str::from_utf8(path).is_ok_and(|path| module_name(path).is_some());
    // A walk ends at the first error.
    let walked =
        directory.walk(&mut |path, node| if node.as_leaf().is_some() && is_module(path) { Err(()) } else { Ok(()) });
    walked.is_err()
}
