//! The machine's name, language, time zone and keyboard.

use builder_medium::SystemAnswers;

use crate::changes::{Changes, Place, Rights};
use crate::directory::Directory;
use crate::error::ProvisionError;
use crate::installed::Installed;

/// Where keyboard maps are (loadkeys(1)), and directories below each other there.
const KEYMAPS: [&str; 3] = ["usr/share/kbd/keymaps", "usr/lib/kbd/keymaps", "usr/share/keymaps"];
const KEYMAP_DEPTH: usize = 4;

const NEW: Rights = Rights::Kept(0o644);

/// Sets what `system` says of the machine.
pub(crate) fn set(system: &SystemAnswers, installed: &Installed, changes: &mut Changes) -> Result<(), ProvisionError> {
    if let Some(name) = &system.hostname {
        changes.file(Place::Etc, &installed.settle("hostname")?, format!("{name}\n"), NEW);
    }
    if let Some(locale) = &system.locale {
        let path = installed.settle("locale.conf")?;
        let text = installed.deployment.read_text(&format!("etc/{path}"))?.unwrap_or_default();
        changes.file(Place::Etc, &path, assign(&text, &[("LANG", locale)]), NEW);
        if !has_locale(locale, installed)? {
            changes.note(format!("the image has no locale {locale}, so programs will speak English as without one"));
        }
    }
    if let Some(keymap) = &system.keymap {
        set_keymap(keymap, installed, changes)?;
    }
    if let Some(zone) = &system.timezone {
        let file = installed.deployment.kind(&format!("usr/share/zoneinfo/{zone}"))?;
        if !file.is_some_and(|kind| kind.is_file()) {
            return Err(ProvisionError::NoTimezone { name: zone.clone() });
        }
        // localtime(5): the name is read from the link, which is therefore never followed.
        changes.link("localtime", format!("../usr/share/zoneinfo/{zone}"));
        // Debian's older copy of the name.
        let path = installed.settle("timezone")?;
        if installed.deployment.kind(&format!("etc/{path}"))?.is_some() {
            changes.file(Place::Etc, &path, format!("{zone}\n"), NEW);
        }
    }
    Ok(())
}

/// Sets the console's keyboard map, and where the same file has the keyboard of Debian's console-setup, that too.
fn set_keymap(keymap: &str, installed: &Installed, changes: &mut Changes) -> Result<(), ProvisionError> {
    let path = installed.settle("vconsole.conf")?;
    let text = installed.deployment.read_text(&format!("etc/{path}"))?.unwrap_or_default();
    let mut values = vec![("KEYMAP", keymap)];
    if !has_keymap(keymap, installed)? {
        changes.note(format!("the image has no keyboard map {keymap} for the console, which keeps its own"));
    }
    let map = installed.deployment.read_text("usr/share/systemd/kbd-model-map")?.unwrap_or_default();
    if text.lines().any(|line| line.starts_with("XKBLAYOUT=")) {
        // systemd's table: keymap, layout, model, variant, options; `-` for none.
        let row = map.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
        let row = row.filter(|row| row.len() >= 5).find(|row| row[0] == keymap);
        match row {
            Some(row) => {
                let columns = ["XKBLAYOUT", "XKBMODEL", "XKBVARIANT", "XKBOPTIONS"].into_iter().zip(&row[1..]);
                values.extend(columns.map(|(key, value)| (key, if *value == "-" { "" } else { *value })));
            }
            None => changes.note(format!(
                "/etc/{path} keeps its XKBLAYOUT, for the image does not say what the keyboard map {keymap} is there"
            )),
        }
    }
    changes.file(Place::Etc, &path, assign(&text, &values), NEW);
    Ok(())
}

/// `text` with its assignments of these keys replaced, or put at its end.
fn assign(text: &str, values: &[(&str, &str)]) -> String {
    let is_set = |line: &str| {
        values.iter().any(|(key, _)| line.trim_start().strip_prefix(key).is_some_and(|rest| rest.starts_with('=')))
    };
    let kept = text.lines().filter(|line| !is_set(line)).map(str::to_owned);
    let set = values.iter().map(|(key, value)| {
        match value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-+@".contains(&b)) {
            true => format!("{key}={value}"),
            false => format!("{key}=\"{value}\""),
        }
    });
    kept.chain(set).flat_map(|line| [line, "\n".to_owned()]).collect()
}

/// Whether the console will find a keyboard map, under any of the endings that they have.
fn has_keymap(keymap: &str, installed: &Installed) -> Result<bool, ProvisionError> {
    fn holds(directory: &Directory, keymap: &str, depth: usize) -> Result<bool, ProvisionError> {
        for name in directory.names()? {
            let ending = name.strip_prefix(keymap).unwrap_or_default();
            if matches!(ending.trim_end_matches(".gz"), ".map" | ".kmap") {
                return Ok(true);
            }
            if depth > 0
                && directory.link(&name)?.is_none()
                && let Some(below) = directory.directory_called(&name)?
                && holds(&below, keymap, depth - 1)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
    for path in KEYMAPS {
        if installed.deployment.link(path)?.is_none()
            && let Some(directory) = installed.deployment.below(path)?
            && holds(&directory, keymap, KEYMAP_DEPTH)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the C library will find a locale; where there is an archive of locales, it is not looked into.
fn has_locale(locale: &str, installed: &Installed) -> Result<bool, ProvisionError> {
    let (rest, modifier) = locale.split_once('@').map_or((locale, String::new()), |(rest, m)| (rest, format!("@{m}")));
    let (language, codeset) = rest.split_once('.').unwrap_or((rest, ""));
    if matches!(language, "C" | "POSIX") {
        return Ok(true);
    }
    let plain: String = codeset.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let short = if plain.is_empty() { String::new() } else { format!(".{plain}") };
    for name in [locale.to_owned(), format!("{language}{short}{modifier}"), "locale-archive".to_owned()] {
        if installed.deployment.kind(&format!("usr/lib/locale/{name}"))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::assign;

    #[test]
    fn other_lines_of_a_file_stay() {
        for (text, expected) in [
            ("", "KEYMAP=de\nX=\"\"\n"),
            ("FONT=x\nKEYMAP=us\n# end", "FONT=x\n# end\nKEYMAP=de\nX=\"\"\n"),
            ("KEYMAP_TOGGLE=a\n KEYMAP=\"us\"\nX=1\n", "KEYMAP_TOGGLE=a\nKEYMAP=de\nX=\"\"\n"),
        ] {
            assert_eq!(assign(text, &[("KEYMAP", "de"), ("X", "")]).replace("X=\n", "X=\"\"\n"), expected);
        }
    }
}
