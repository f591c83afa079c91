//! How a medium boots that tries and installs a system: GRUB's menu on it, and its EFI system partition.
//!
//! GRUB reads its first configuration from its own folder, on the file system that it was loaded from. Of a disc that is
//! the whole disc, of a stick the EFI system partition: so it is in both. It looks for the medium by a file whose name
//! tells it from all others, and goes on to the menu there.

use std::sync::Arc;

use builder_tree::{FileTree, Inode};

use crate::grub::{plain_title, quote, terminal};
use crate::loader::Grub;
use crate::made::Maker;
use crate::systemd_menu::{self, MenuFile};
use crate::{Architecture, Loader};

/// The menu.
const MENU: &str = include_str!("../../../templates/medium-menu.cfg");

/// Its entry for trying the system.
const MENU_LIVE: &str = include_str!("../../../templates/medium-menu-live.cfg");

/// Where the menu is on the medium.
const MENU_PATH: &str = "boot/grub/grub.cfg";

/// A medium as its boot loader sees it. Paths are those on the medium, without a leading slash.
#[derive(Clone, Copy, Debug)]
pub struct MediumBoot<'a> {
    /// The boot loader.
    pub loader: &'a Loader,
    /// For which machines.
    pub architecture: Architecture,
    /// A file that no other medium has.
    pub marker: &'a str,
    /// The kernel.
    pub kernel: (&'a str, &'a Arc<Inode>),
    /// The system's own initramfs.
    pub initramfs: (&'a str, &'a Arc<Inode>),
    /// The archive with the program that installs.
    pub archive: (&'a str, &'a Arc<Inode>),
    /// Kernel arguments for trying the system; `None` where it cannot be tried.
    pub live: Option<&'a [String]>,
    /// Kernel arguments for installing it.
    pub install: &'a [String],
    /// Where the file with the [`MenuSettings`] is.
    pub settings_path: &'a str,
    /// Time of everything that is made, in seconds since 1970.
    pub created: i64,
}

/// What of the menu can be changed on a finished medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuSettings {
    /// The system's name.
    pub title: String,
    /// Seconds after which the default is started.
    pub timeout: u32,
    /// The entry that is started by itself.
    pub default: MenuDefault,
    /// Further kernel arguments, of all entries.
    pub kargs: Vec<String>,
}

/// The entry of the menu that is started by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MenuDefault {
    /// The system is tried.
    Live,
    /// It is installed.
    Install,
}

impl MenuDefault {
    /// The entry's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Install => "install",
        }
    }
}

impl MenuSettings {
    /// Reads what [`text`](Self::text) writes, up to the first empty line; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut value = |name: &str| lines.next()?.strip_prefix("set menu_")?.strip_prefix(name)?.strip_prefix('=');
        let title = unquote(value("title")?)?;
        let timeout = value("timeout")?.parse().ok()?;
        let default = value("default")?;
        let default = [MenuDefault::Live, MenuDefault::Install].into_iter().find(|known| known.name() == default)?;
        let kargs = unquote(value("kargs")?)?;
        let kargs = kargs.split(' ').filter(|karg| !karg.is_empty()).map(str::to_owned).collect();
        Some(Self { title, timeout, default, kargs })
    }

    /// The text of the file that the menu reads first.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "set menu_title={}\nset menu_timeout={}\nset menu_default={}\nset menu_kargs={}\n",
            quote(&plain_title(&self.title)),
            self.timeout,
            self.default.name(),
            quote(&self.kargs.join(" "))
        )
    }
}

/// The word that [`quote`] wrote.
fn unquote(word: &str) -> Option<String> {
    Some(word.strip_prefix('\'')?.strip_suffix('\'')?.replace("'\\''", "'"))
}

/// What lies on the medium for its boot loader.
#[derive(Clone, Debug)]
pub struct MediumTrees {
    /// The EFI system partition.
    pub esp: FileTree,
    /// Texts in the medium's own file system, by path.
    pub files: Vec<(String, String)>,
    /// Texts of systemd-boot's menu, which belong into the EFI system partition with the settings in them.
    pub menu: Vec<MenuFile>,
}

/// Makes the menu and the EFI system partition of a medium.
#[must_use]
pub fn medium(boot: &MediumBoot<'_>) -> MediumTrees {
    let maker = Maker::new(boot.created);
    let mut trees = MediumTrees { esp: FileTree { root: maker.directory(0o755) }, files: Vec::new(), menu: Vec::new() };
    let mut put = |path: &str, inode: Inode| {
        // Paths of a payload come from a tree, where a file has nothing below it, and ours are in folders of their own.
        let _ = trees.esp.insert(path.as_bytes(), inode, &maker.metadata(0o755));
    };
    match boot.loader {
        Loader::None => {}
        Loader::Grub(grub) => {
            // Firmware that boots a medium knows no other path.
            for (path, inode) in grub.files.iter().filter(|(path, _)| path.starts_with("EFI/BOOT/")) {
                put(path, maker.copy(inode));
            }
            let stub = format!(
                "search.file /{} root\nset prefix=($root)/boot/grub\nconfigfile ($root)/{MENU_PATH}\n",
                boot.marker
            );
            let folder = format!("EFI/{}/grub.cfg", grub.vendor);
            put(&folder, maker.file(0o644, stub.as_str()));
            trees.files.push((folder, stub));
            trees.files.push((MENU_PATH.to_owned(), menu(boot)));
        }
        Loader::Systemd { binary, .. } => {
            put(&format!("EFI/BOOT/{}", boot.architecture.fallback()), maker.copy(binary));
            // It reads nothing but the file system that it was loaded from.
            for (path, inode) in [boot.kernel, boot.initramfs, boot.archive] {
                put(path, maker.copy(inode));
            }
            trees.menu = systemd_menu::files(boot);
        }
    }
    trees
}

/// The menu for GRUB.
fn menu(boot: &MediumBoot<'_>) -> String {
    let words = |arguments: &[String]| arguments.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
    let live = boot.live.map_or(String::new(), |live| MENU_LIVE.replace("@LIVE@", &words(live)));
    MENU.replace("@SETTINGS@", boot.settings_path)
        .replace("@LIVE@\n", &live)
        .replace("@TERMINAL@\n", &terminal(&boot.install.join(" ")))
        .replace("@KERNEL@", boot.kernel.0)
        .replace("@INITRAMFS@", boot.initramfs.0)
        .replace("@ARCHIVE@", boot.archive.0)
        .replace("@INSTALL@", &words(boot.install))
}

/// A medium that machines fetch over the network. Paths are those beside the menus.
#[derive(Clone, Copy, Debug)]
pub struct NetworkBoot<'a> {
    /// The kernel.
    pub kernel: &'a str,
    /// The system's own initramfs.
    pub initramfs: &'a str,
    /// What is loaded behind it, or alone.
    pub archives: &'a [&'a str],
    /// Kernel arguments for trying the system; `None` where it cannot be tried.
    pub live: Option<&'a [String]>,
    /// Kernel arguments for installing it.
    pub install: &'a [String],
    /// Title, time limit, default and further kernel arguments.
    pub settings: &'a MenuSettings,
}

/// Menus for a GRUB that was loaded from where they are, and for iPXE: names and texts.
#[must_use]
pub fn network_menus(boot: &NetworkBoot<'_>) -> [(&'static str, String); 2] {
    let MenuSettings { title, timeout, default, kargs } = boot.settings;
    let title = plain_title(title);
    let entries: Vec<_> =
        [(MenuDefault::Live, "Try", boot.live), (MenuDefault::Install, "Install", Some(boot.install))]
            .into_iter()
            .filter_map(|(entry, verb, arguments)| Some((entry.name(), format!("{verb} {title}"), arguments?)))
            .collect();
    // The live system has its own initramfs in front.
    let loaded = |name: &str| -> Vec<&str> {
        let own = (name == MenuDefault::Live.name()).then_some(boot.initramfs);
        own.into_iter().chain(boot.archives.iter().copied()).collect()
    };
    let mut grub =
        format!("set timeout={timeout}\nset default={}\n{}", default.name(), terminal(&boot.install.join(" ")));
    // A line of iPXE's has no quotes: what follows the command is the arguments.
    let mut ipxe = format!("#!ipxe\nmenu {title}\n");
    let mut targets = String::new();
    for (name, text, arguments) in &entries {
        let arguments: Vec<&String> = arguments.iter().chain(kargs).collect();
        let words: Vec<String> = arguments.iter().map(|word| quote(word)).collect();
        let files: Vec<String> = loaded(name).iter().map(|file| format!("$cmdpath/{file}")).collect();
        grub.push_str(&format!(
            "menuentry {} --id {name} {{\n\tlinux $cmdpath/{} {}\n\tinitrd {}\n}}\n",
            quote(text),
            boot.kernel,
            words.join(" "),
            files.join(" ")
        ));
        ipxe.push_str(&format!("item {name} {text}\n"));
        let plain: Vec<&str> = arguments.iter().map(|word| word.as_str()).collect();
        // Firmware's way to an initramfs finds them by these arguments.
        let named: String = loaded(name).iter().map(|file| format!(" initrd={file}")).collect();
        targets.push_str(&format!(":{name}\nkernel {}{named} {}\n", boot.kernel, plain.join(" ")));
        for file in loaded(name) {
            targets.push_str(&format!("initrd --name {file} {file}\n"));
        }
        targets.push_str("boot\n");
    }
    let default = default.name();
    ipxe.push_str(&match u64::from(*timeout) * 1000 {
        // For `choose` that is no limit (iPXE, `src/hci/tui/menu_ui.c`); here and for GRUB it is no menu.
        0 => format!("goto {default}\n"),
        milliseconds => format!("choose --default {default} --timeout {milliseconds} chosen && goto ${{chosen}}\n"),
    });
    ipxe.push_str(&targets);
    [("grub.cfg", grub), ("boot.ipxe", ipxe)]
}

impl Loader {
    /// The program on the EFI system partition of an installed disk that a firmware's boot entry names, with
    /// backslashes; `None` without a boot loader.
    #[must_use]
    pub fn program(&self) -> Option<String> {
        let path = match self {
            Self::None => return None,
            Self::Grub(Grub { files, vendor, shim, .. }) => {
                let folder = format!("EFI/{vendor}/");
                let first = if *shim { "shim" } else { "grub" };
                // bootupd's payloads may have no copy of it in the vendor's folder.
                let found = files.iter().map(|(path, _)| path).find(|path| {
                    path.strip_prefix(&folder).is_some_and(|name| name.starts_with(first) && name.ends_with(".efi"))
                });
                found
                    .or_else(|| files.iter().map(|(path, _)| path).find(|path| path.starts_with("EFI/BOOT/BOOT")))?
                    .clone()
            }
            Self::Systemd { architecture, .. } => format!("EFI/systemd/systemd-boot{}.efi", architecture.suffix()),
        };
        Some(format!("\\{}", path.replace('/', "\\")))
    }

    /// Its name: `grub`, `systemd-boot` or `none`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Grub(_) => "grub",
            Self::Systemd { .. } => "systemd-boot",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MenuDefault, MenuSettings, NetworkBoot, network_menus};

    #[test]
    fn a_time_limit_of_nothing_starts_the_default_at_once() {
        for (timeout, grub, ipxe) in [
            (0, "set timeout=0\n", "item install Install X\ngoto install\n:install\n"),
            (3, "set timeout=3\n", "choose --default install --timeout 3000 chosen && goto ${chosen}\n:install\n"),
        ] {
            let settings =
                MenuSettings { title: "X".to_owned(), timeout, default: MenuDefault::Install, kargs: Vec::new() };
            let boot = NetworkBoot {
                kernel: "k",
                initramfs: "i",
                archives: &["a"],
                live: None,
                install: &["quiet".to_owned()],
                settings: &settings,
            };
            let [(_, of_grub), (_, of_ipxe)] = network_menus(&boot);
            assert!(of_grub.contains(grub), "{of_grub}");
            assert!(of_ipxe.contains(ipxe), "{of_ipxe}");
        }
    }

    #[test]
    fn settings_that_were_written_can_be_read() {
        for (title, kargs) in
            [("Debian 13 (trixie)", &[][..]), ("Bob_s", &["console=ttyS1", "a='b'", "x=$y;z"]), ("", &["q"])]
        {
            for default in [MenuDefault::Live, MenuDefault::Install] {
                let kargs = kargs.iter().map(|&karg| karg.to_owned()).collect();
                let settings = MenuSettings { title: title.to_owned(), timeout: 7, default, kargs };
                assert_eq!(MenuSettings::parse(&format!("{}\n\n\n", settings.text())), Some(settings));
            }
        }
        for text in [
            "",
            "set menu_title='a'\n",
            "set menu_title=a\nset menu_timeout=1\nset menu_default=live\nset menu_kargs=''\n",
        ] {
            assert_eq!(MenuSettings::parse(text), None, "{text}");
        }
    }
}
