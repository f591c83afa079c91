//! GRUB's configuration: the stub on the ESP and the menu in `/boot`.

use crate::entry::Entry;

/// The menu for a GRUB that cannot read boot entries by itself.
const MENU: &str = include_str!("../../../templates/grub-menu.cfg");

/// Boot counting, for either menu.
const COUNTING: &str = include_str!("../../../templates/grub-counting.cfg");

/// Seconds in which a key opens the menu.
const TIMEOUT: &str = "1";

/// What GRUB reads first, from its folder on the ESP: it finds `/boot` and goes on there.
pub(crate) fn stub(boot_uuid: &str, folder: &str) -> String {
    format!("search.fs_uuid {boot_uuid} root\nset prefix=($root)/boot/{folder}\nconfigfile $prefix/grub.cfg\n")
}

/// For a GRUB with `blscfg`.
pub(crate) fn blscfg(default: &Entry<'_>) -> String {
    // `blscfg` sorts by the file's name, so the second deployment is entry 1. Where there is but one, GRUB starts that.
    let order =
        "set default=0\nset fallback=1\nif [ -n \"$boot_fallback\" ]; then\n\tset default=1\n\tset fallback=0\nfi\n";
    let terminal = terminal(default.kargs);
    format!("set timeout={TIMEOUT}\n{terminal}\n{COUNTING}\n{order}\ninsmod blscfg\nset boot=$root\nblscfg\n")
}

/// For a GRUB without it; `default` is the entry of last resort, too.
pub(crate) fn menu(default: &Entry<'_>) -> String {
    let files = &default.files;
    let folder = format!("/boot/ostree/{}", files.folder);
    let devicetree = files
        .devicetree
        .as_ref()
        .map(|name| format!("\t\tdevicetree \"($entries_root)\"{}\n", quote(&format!("{folder}/{name}"))))
        .unwrap_or_default();
    let options: Vec<String> = default.kargs.split(' ').map(quote).collect();
    MENU.replace("@TIMEOUT@", TIMEOUT)
        .replace("@COUNTING@\n", COUNTING)
        .replace("@TERMINAL@\n", &terminal(&options.join(" ")))
        .replace("@TITLE@", &quote(&default.title))
        .replace("@LINUX@", &quote(&format!("{folder}/{}", files.kernel)))
        .replace("@OPTIONS@", &options.join(" "))
        .replace("@INITRD@", &quote(&format!("{folder}/{}", files.initramfs)))
        .replace("@DEVICETREE@", &devicetree)
}

/// A serial console for the menu where the kernel has one, beside the screen.
pub(crate) fn terminal(options: &str) -> String {
    if !options.contains("console=ttyS0") {
        return String::new();
    }
    "if serial --unit=0 --speed=115200; then\n\tterminal_input console serial\n\tterminal_output console serial\nfi\n"
        .to_owned()
}

/// One word of GRUB's shell.
pub(crate) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// An empty environment block (`grub-editenv create`).
pub(crate) fn environment_block() -> Vec<u8> {
    let mut block = b"# GRUB Environment Block\n".to_vec();
    block.resize(1024, b'#');
    block
}

/// `title` without the characters that GRUB's shell would act on when it reads the entry.
pub(crate) fn plain_title(title: &str) -> String {
    title.chars().map(|c| if ";{}&|<>$#\\\"'`".contains(c) || c.is_control() { ' ' } else { c }).collect()
}
