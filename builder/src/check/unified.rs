//! A unified kernel (UAPI.5), opened: its sections, its kernel and initramfs, and where its command line leads to.

use builder_grub::{DeviceId, Machine as _};
use builder_pe::{Machine, PeFile, Section, uki};

use super::initramfs;
use super::root::{self, Arguments};
use super::step::Step;
use super::volumes::Volumes;

/// Sections that the program at the begin of a unified kernel reads, whole.
const READ: [&str; 9] =
    [uki::LINUX, uki::INITRD, uki::UCODE, uki::CMDLINE, uki::OSREL, uki::UNAME, uki::SBAT, uki::DTB, uki::SPLASH];

/// Where systemd's stub looks for addons for all unified kernels of a partition.
const ADDONS: &str = "/loader/addons";

/// Whether a program is a unified kernel, or one that has lost a part.
pub(crate) fn is_one(program: &PeFile<'_>) -> bool {
    program.is_uki() || program.is_uki_addon()
}

/// Walks the unified kernel at `path`, which is started with `options`, into `step`.
pub(crate) fn walk(
    volumes: &Volumes,
    device: DeviceId,
    path: &str,
    program: &PeFile<'_>,
    options: &str,
    mut step: Step,
) -> Step {
    step.steps.extend(misplaced(program));
    kernel(program, &mut step);
    described(program, &mut step);
    addons(volumes, device, path, &mut step);
    let Some(own) = command_line(program, &mut step) else { return step };
    let options = options.trim();
    let counted = if options.is_empty() { own } else { options };
    let has_deployment = Arguments::parse(counted).last("ostree").is_some();
    // systemd, `src/boot/stub.c`: microcode goes first.
    let contents = |name| program.sections_named(name).map(Section::content).filter(|content| !content.is_empty());
    let initrds: Vec<&[u8]> = contents(uki::UCODE).chain(contents(uki::INITRD).take(1)).collect();
    let what = format!("section {}", uki::INITRD);
    if contents(uki::INITRD).next().is_none() {
        step.push(initramfs::missing(&what, has_deployment));
    }
    let early = initramfs::early(&what, &initrds, has_deployment, &mut step);
    let whose = format!("section {}: ", uki::CMDLINE);
    if options.is_empty() {
        root::walk(volumes, &whose, &Arguments::parse(own), early.as_ref(), &mut step);
    } else {
        root::walk(volumes, "", &Arguments::parse(options), early.as_ref(), &mut step);
        // systemd, `src/boot/stub.c`: with Secure Boot, options that somebody adds count only where there are none.
        if !own.is_empty() && own != options {
            let mut secure = Step::right(format!("with Secure Boot, section {} counts instead", uki::CMDLINE));
            root::walk(volumes, &whose, &Arguments::parse(own), early.as_ref(), &mut secure);
            step.push(secure);
        }
    }
    step
}

/// Sections that are cut, or that overwrite each other when the program is loaded.
fn misplaced(program: &PeFile<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    for section in program.sections().iter().filter(|section| READ.contains(&section.name.as_str())) {
        let (memory, file) = (u64::from(section.virtual_size), section.raw.len() as u64);
        if memory > file {
            let reason = format!("it has {memory} bytes in memory, and {file} in the file: the rest is not there");
            steps.push(Step::broken(format!("section {}", section.name), reason));
        }
    }
    let mut sections: Vec<&Section<'_>> =
        program.sections().iter().filter(|section| section.virtual_size > 0).collect();
    sections.sort_by_key(|section| section.virtual_address);
    for pair in sections.windows(2) {
        if let [first, second] = pair
            && u64::from(first.virtual_address) + u64::from(first.virtual_size) > u64::from(second.virtual_address)
        {
            let what = format!("sections {} and {}", first.name, second.name);
            let end = u64::from(first.virtual_address) + u64::from(first.virtual_size);
            let reason = format!(
                "in memory the first goes to {end:#x} and the second begins at {:#x}, so one overwrites the other",
                second.virtual_address
            );
            steps.push(Step::broken(what, reason));
        }
    }
    steps
}

/// The kernel.
fn kernel(program: &PeFile<'_>, step: &mut Step) {
    let what = format!("section {}", uki::LINUX);
    let Some(section) = program.section(uki::LINUX) else {
        step.push(Step::broken(what, "it is not there, so there is no kernel to start"));
        return;
    };
    let kernel = match PeFile::parse(section.content()) {
        Ok(kernel) => kernel,
        Err(error) => {
            step.push(Step::broken(what, format!("it is no kernel that firmware can start: {error}")));
            return;
        }
    };
    if kernel.machine() != program.machine() {
        let reason = format!("the kernel is for {}, and what starts it for {}", kernel.machine(), program.machine());
        step.push(Step::broken(what, reason));
        return;
    }
    let is_x86 = matches!(kernel.machine(), Machine::X86_64 | Machine::Ia32);
    let release = is_x86.then(|| release(section.content())).flatten();
    step.push(match &release {
        Some(release) => Step::right(format!("{what}: Linux {release}")),
        None if is_x86 => Step::warning(&what, "it is a program of the firmware, and does not say that it is Linux"),
        None => Step::right(format!("{what}: a kernel")),
    });
    let what = format!("section {}", uki::UNAME);
    match (program.section(uki::UNAME).map(Section::text), release) {
        (None, _) => step.push(Step::note(what, "it is not there, so tools cannot tell which kernel this is")),
        (Some(None), _) => step.push(Step::warning(what, "it is no text")),
        (Some(Some(said)), Some(release)) if said != release => {
            step.push(Step::warning(what, format!("it says {said:?}, and the kernel is {release}")));
        }
        (Some(Some(_)), _) => {}
    }
}

/// What `uname -r` will say. Linux, `Documentation/arch/x86/boot.rst`: `header` is at 0x202, `kernel_version` at 0x20e
/// and counted from 0x200.
fn release(kernel: &[u8]) -> Option<String> {
    if !kernel.get(0x202..)?.starts_with(b"HdrS") {
        return None;
    }
    let offset = usize::from(u16::from_le_bytes(*kernel.get(0x20e..)?.first_chunk()?)) + 0x200;
    let text = kernel.get(offset..)?.split(|byte| matches!(byte, 0 | b' ')).next()?;
    // Hostile bytes must not reach a terminal.
    let release = std::str::from_utf8(text.get(..text.len().min(64))?).ok()?;
    release.bytes().all(|byte| byte.is_ascii_graphic()).then(|| release.to_owned()).filter(|text| !text.is_empty())
}

/// What the sections say that start nothing.
fn described(program: &PeFile<'_>, step: &mut Step) {
    let what = format!("section {}", uki::OSREL);
    match program.section(uki::OSREL).map(Section::text) {
        None => step.push(Step::note(what, "it is not there, so systemd-boot does not list this in /EFI/Linux")),
        Some(None) => step.push(Step::warning(what, "it is no text")),
        Some(Some(text)) if !text.contains('=') => step.push(Step::warning(what, "it is no os-release(5)")),
        Some(Some(_)) => {}
    }
    let what = format!("section {}", uki::SBAT);
    match program.sbat() {
        Ok(Some(_)) => {}
        Ok(None) => step.push(Step::note(what, "it is not there, and a shim starts nothing without it")),
        Err(error) => step.push(Step::warning(what, format!("it cannot be read: {error}"))),
    }
    let profiles = program.sections_named(uki::PROFILE).count();
    if profiles > 0 {
        let what = format!("{profiles} sections {}", uki::PROFILE);
        step.push(Step::note(what, "what they add is not looked at"));
    }
}

/// What is put beside unified kernels to go with them.
fn addons(volumes: &Volumes, device: DeviceId, path: &str, step: &mut Step) {
    for folder in [format!("{path}.extra.d"), ADDONS.to_owned()] {
        // What cannot be listed has a finding of its file system.
        let names = volumes.list(device, &folder).ok().flatten().unwrap_or_default();
        if !names.is_empty() {
            step.push(Step::note(format!("{folder}: {}", names.join(", ")), "addons are not looked at"));
        }
    }
}

/// The command line in it, empty where there is none; `None` where it is no text.
fn command_line<'p>(program: &PeFile<'p>, step: &mut Step) -> Option<&'p str> {
    let what = format!("section {}", uki::CMDLINE);
    match program.section(uki::CMDLINE).map(Section::text) {
        None => {
            step.push(Step::note(
                what,
                "it is not there, so the kernel gets no arguments but those it is started with",
            ));
            Some("")
        }
        Some(None) => {
            step.push(Step::broken(what, "it is no text"));
            None
        }
        Some(Some(text)) => Some(text.trim()),
    }
}
