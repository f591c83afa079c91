//! A boot entry, walked from its kernel to the deployment that it boots.

use builder_grub::{Chain, FileRef, Machine as _, MenuEntry};
use builder_pe::{Machine, PeFile};
use sha2::{Digest, Sha256};

use super::devicetree::{self, Trees};
use super::initramfs;
use super::root::{self, Arguments};
use super::step::Step;
use super::trust::Trust;
use super::unified;
use super::volumes::{PROGRAM, Volumes};
use crate::formats::hex;

/// Largest kernel or initramfs that is read, in bytes.
const BOOT_FILE: u64 = PROGRAM;

/// Walks an entry that a boot loader for `machine` shows.
pub(crate) fn entry(
    volumes: &Volumes,
    entry: &MenuEntry,
    is_default: bool,
    machine: Machine,
    trust: &Trust<'_>,
) -> Step {
    let word = if is_default { "default entry" } else { "entry" };
    let what = format!("{word} \"{}\"", entry.title);
    if !entry.starts() {
        let problem = entry.problems.first().map(ToString::to_string);
        return Step::broken(what, problem.unwrap_or_else(|| "it starts nothing".to_owned()));
    }
    let mut step = Step::right(what);
    step.steps.extend(entry.problems.iter().map(|problem| Step::warning(problem.place.to_string(), &problem.text)));
    let Some(kernel) = &entry.kernel else {
        match &entry.chain {
            Some(Chain::Program(program) | Chain::UnifiedKernel(program)) => {
                step.push(chained(volumes, entry, program, machine, trust));
            }
            _ => step.push(Step::note("kernel", "it starts something else, which is not followed")),
        }
        return step;
    };
    let kernel_bytes = boot_file(volumes, &mut step, "kernel", kernel);
    if let Some(bytes) = &kernel_bytes {
        step.push(match PeFile::parse(bytes) {
            Ok(program) => trust.of_entry(&program, "the kernel"),
            Err(_) => trust.of_stranger("the kernel"),
        });
    }
    let mut initrd_bytes = Vec::new();
    for initrd in &entry.initrds {
        initrd_bytes.push(boot_file(volumes, &mut step, "initramfs", initrd));
    }
    let arguments = Arguments::parse(&entry.arguments);
    let has_deployment = arguments.last("ostree").is_some();
    if entry.initrds.is_empty() {
        step.push(initramfs::missing("initramfs", has_deployment));
    }
    if let (Some(kernel_bytes), [Some(initrd)]) = (&kernel_bytes, initrd_bytes.as_slice())
        && entry.devicetree.is_none()
        && let Some(expected) = boot_checksum(&kernel.path)
    {
        let mut hasher = Sha256::new().chain_update(kernel_bytes).chain_update(initrd);
        let folder = kernel.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        step.push(match devicetree::add(volumes, kernel.device, folder, &mut hasher) {
            Ok(Trees::TooMany) => {
                Step::note("boot checksum", format!("{folder}/dtb has too much to be compared with it"))
            }
            Ok(trees) => {
                let has_trees = trees == Trees::Added;
                let what = if has_trees { "kernel, initramfs and device trees" } else { "kernel and initramfs" };
                let found = hex(&hasher.finalize());
                if found == expected {
                    Step::right(format!("{what} have their boot checksum {}…", &expected[..12]))
                } else {
                    let reason = format!("they have {found}, so one of them is damaged");
                    Step::broken(format!("boot checksum {expected} of {what}"), reason)
                }
            }
            Err(error) => Step::broken(format!("device trees in {folder}"), error),
        });
    }
    let whole: Option<Vec<&[u8]>> = initrd_bytes.iter().map(Option::as_deref).collect();
    let early = initramfs::early("contents of the initramfs", &whole.unwrap_or_default(), has_deployment, &mut step);
    root::walk(volumes, "", &arguments, early.as_ref(), &mut step);
    step
}

/// A program that is started instead of a kernel.
fn chained(volumes: &Volumes, entry: &MenuEntry, file: &FileRef, machine: Machine, trust: &Trust<'_>) -> Step {
    let what = file.to_string();
    let bytes = match volumes.read(file.device, &file.path, BOOT_FILE) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Step::broken(what, "it is not there"),
        Err(error) => return Step::broken(what, error),
    };
    let program = match PeFile::parse(&bytes) {
        Ok(program) => program,
        Err(error) => return Step::broken(what, format!("it is no program of the firmware: {error}")),
    };
    if program.machine() != machine {
        return Step::broken(what, format!("it is for {}, and is started on {machine}", program.machine()));
    }
    if !matches!(entry.chain, Some(Chain::UnifiedKernel(_))) && !unified::is_one(&program) {
        let step = Step::note(what, "it is another program, which is not followed");
        return step.with([trust.of_entry(&program, "the program")]);
    }
    let step = Step::right(format!("unified kernel {what}")).with([trust.of_entry(&program, "the unified kernel")]);
    unified::walk(volumes, file.device, &file.path, &program, &entry.arguments, step)
}

/// A file that the boot loader loads, said and read.
fn boot_file(volumes: &Volumes, step: &mut Step, role: &str, file: &FileRef) -> Option<Vec<u8>> {
    let what = format!("{role} {file}");
    match volumes.read(file.device, &file.path, BOOT_FILE) {
        Ok(Some(bytes)) if bytes.is_empty() => step.push(Step::broken(what, "it is empty")),
        Ok(Some(bytes)) => {
            step.push(Step::right(what));
            return Some(bytes);
        }
        Ok(None) => step.push(Step::broken(what, "it is not there")),
        Err(error) => step.push(Step::broken(what, error)),
    }
    None
}

/// The checksum in `/boot/ostree/STATEROOT-CHECKSUM/vmlinuz-…`.
fn boot_checksum(path: &str) -> Option<String> {
    let folder = path.rsplit('/').nth(1)?;
    let (_, checksum) = folder.rsplit_once('-')?;
    let is_checksum = checksum.len() == 64 && checksum.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_checksum.then(|| checksum.to_owned())
}

#[cfg(test)]
mod tests {
    use super::boot_checksum;

    #[test]
    fn boot_checksums_are_read_from_folders() {
        let checksum = "a1".repeat(32);
        assert_eq!(boot_checksum(&format!("/boot/ostree/my-os-{checksum}/vmlinuz-6.1")), Some(checksum));
        assert_eq!(boot_checksum("/boot/ostree/my-os/vmlinuz-6.1"), None);
        assert_eq!(boot_checksum("/vmlinuz"), None);
    }
}
