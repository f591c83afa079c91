//! systemd-boot's menu on a medium: it reads nothing but the EFI system partition, and has no variables there.
//!
//! So each of its files is made from a template, once more whenever the settings change. Behind the text is room, filled
//! with line feeds, which systemd-boot passes over as empty lines (`line_get_key_value`): the file's length stays.

use crate::grub::plain_title;
use crate::medium::{MediumBoot, MenuSettings};

/// What a template has in the place of a setting, between two signs.
const TITLE: &str = "TITLE";
const TIMEOUT: &str = "TIMEOUT";
const DEFAULT: &str = "DEFAULT";
/// With a space before each argument.
const KARGS: &str = "KARGS";
const SIGN: char = '@';

/// A file of systemd-boot's menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuFile {
    /// Its path in the EFI system partition.
    pub path: &'static str,
    /// Its text, with signs where settings are.
    pub template: String,
}

impl MenuFile {
    /// The entry for trying the system: not there where it cannot be tried.
    pub const LIVE: &'static str = "loader/entries/live.conf";
    /// All paths that there can be.
    pub const PATHS: [&'static str; 4] =
        ["loader/loader.conf", Self::LIVE, "loader/entries/install.conf", "loader/entries/install-unchecked.conf"];

    /// The text with the settings in it.
    #[must_use]
    pub fn text(&self, settings: &MenuSettings) -> String {
        let kargs: String = settings.kargs.iter().map(|karg| format!(" {karg}")).collect();
        let values = [
            (TITLE, plain_title(&settings.title)),
            (TIMEOUT, settings.timeout.to_string()),
            (DEFAULT, settings.default.name().to_owned()),
            (KARGS, kargs),
        ];
        let mut text = String::new();
        // In one pass, for a title may look like a sign.
        let mut rest = self.template.as_str();
        while let Some((before, behind)) = rest.split_once(SIGN) {
            text.push_str(before);
            let value = values
                .iter()
                .find_map(|(name, value)| Some((value.as_str(), behind.strip_prefix(name)?.strip_prefix(SIGN)?)));
            let (value, behind) = value.unwrap_or(("@", behind));
            text.push_str(value);
            rest = behind;
        }
        text + rest
    }
}

/// All files of the menu.
pub(crate) fn files(boot: &MediumBoot<'_>) -> Vec<MenuFile> {
    let [loader, live, install, unchecked] = MenuFile::PATHS;
    let sign = |name: &str| format!("{SIGN}{name}{SIGN}");
    let entry = |path, title: &str, key: u8, arguments: &str, initramfs: &[&str]| {
        let initramfs: String = initramfs.iter().map(|path| format!("initrd /{path}\n")).collect();
        let (kernel, kargs) = (boot.kernel.0, sign(KARGS));
        let template =
            format!("title {title}\nsort-key {key}\nlinux /{kernel}\n{initramfs}options {arguments}{kargs}\n");
        MenuFile { path, template }
    };
    let title = sign(TITLE);
    let (own, archive) = (boot.initramfs.0, boot.archive.0);
    let template = format!("timeout {}\ndefault {}.conf\nauto-firmware yes\n", sign(TIMEOUT), sign(DEFAULT));
    let mut files = vec![MenuFile { path: loader, template }];
    files.extend(boot.live.map(|arguments| {
        entry(live, &format!("Try {title} without installing it"), 1, &arguments.join(" "), &[own, archive])
    }));
    let arguments = boot.install.join(" ");
    files.push(entry(install, &format!("Install {title}"), 2, &arguments, &[archive]));
    let title = format!("Install {title}, without checking the medium first");
    files.push(entry(unchecked, &title, 3, &format!("{arguments} diskwright.check=no"), &[archive]));
    files
}

#[cfg(test)]
mod tests {
    use super::MenuFile;
    use crate::{MenuDefault, MenuSettings};

    #[test]
    fn each_sign_is_replaced_once_and_nothing_else_is() {
        let settings = MenuSettings {
            title: "@KARGS@ 1;".to_owned(),
            timeout: 7,
            default: MenuDefault::Install,
            kargs: vec!["a=@TITLE@".to_owned(), "b".to_owned()],
        };
        for (template, text) in [
            ("", ""),
            ("title Try @TITLE@ now\n", "title Try @KARGS@ 1  now\n"),
            ("options x@KARGS@\n", "options x a=@TITLE@ b\n"),
            ("timeout @TIMEOUT@\ndefault @DEFAULT@.conf\n", "timeout 7\ndefault install.conf\n"),
            ("a@b @OTHER@ @TITLE @", "a@b @OTHER@ @TITLE @"),
        ] {
            let file = MenuFile { path: MenuFile::PATHS[0], template: template.to_owned() };
            assert_eq!(file.text(&settings), text, "{template}");
        }
    }
}
