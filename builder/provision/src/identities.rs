//! Other identities for disk, partitions and file systems, in the files that name them.

use std::collections::BTreeMap;

use builder_medium::NamedBy;

use crate::Mounts;
use crate::changes::{Change, Content, Rights};
use crate::directory::Directory;
use crate::error::ProvisionError;
use crate::writing::put;

/// Replaces identities in the files that name them: `ids` has what each becomes, as `blkid` prints both.
///
/// # Errors
/// A file is not there, or names none of them: nothing has been changed then. Or [`ProvisionError::Io`].
pub fn rename(named_by: &[NamedBy], ids: &BTreeMap<String, String>, mounts: &Mounts<'_>) -> Result<(), ProvisionError> {
    let mut changes = Vec::new();
    for NamedBy { holds, path, .. } in named_by {
        let shown = format!("/{path} ({holds})");
        let problem = |problem: &str| ProvisionError::File { path: shown.clone(), problem: problem.to_owned() };
        let mount = match holds.as_str() {
            "sysroot" => Some(mounts.sysroot),
            "boot" => mounts.boot,
            "esp" => mounts.esp,
            _ => None,
        };
        let mount = mount.ok_or_else(|| problem("is on a partition that is not mounted"))?;
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let top = Directory::open(mount)?;
        let parent = if parent.is_empty() { Some(top) } else { top.strictly_below(parent)? };
        let parent = parent.ok_or_else(|| problem("is not there"))?;
        if parent.link(name)?.is_some() {
            return Err(problem("is a link"));
        }
        let text = parent.read_text(name)?.ok_or_else(|| problem("is not there"))?;
        let new = replaced(&text, ids);
        if new == text {
            return Err(problem("does not name what the medium's manifest says"));
        }
        let content = Content::File(new.into_bytes());
        let change = Change { content, rights: Rights::Kept(0o644), owner: None, label: None };
        changes.push((parent, name, change, holds != "esp"));
    }
    changes.iter().try_for_each(|(parent, name, change, has_attributes)| put(parent, name, change, *has_attributes))
}

/// `text` with identities replaced where they stand alone: a volume id is a part of many UUIDs. A file may have them in
/// small letters or in capitals.
fn replaced(text: &str, ids: &BTreeMap<String, String>) -> String {
    let is_part = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    let mut new = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let (before, from) = rest.split_at(start);
        let end = from.bytes().position(|byte| !is_part(byte)).unwrap_or(from.len());
        let (word, behind) = from.split_at(end);
        new.push_str(before);
        match ids.iter().find(|(old, _)| old.eq_ignore_ascii_case(word)) {
            Some((_, id)) if word.contains(|c: char| c.is_ascii_lowercase()) => new.push_str(&id.to_lowercase()),
            Some((_, id)) if word.contains(|c: char| c.is_ascii_uppercase()) => new.push_str(&id.to_uppercase()),
            Some((_, id)) => new.push_str(id),
            None => new.push_str(word),
        }
        rest = behind;
    }
    new.push_str(rest);
    new
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn identities_are_replaced_where_they_stand_alone() {
        let ids = [
            ("0123abcd-0123-8123-8123-0123456789ab", "fedcba98-0000-4000-8000-00000000000f"),
            ("ABCD-0123", "0F00-1234"),
            ("1234-5678", "FFFF-0001"),
        ];
        let ids = ids.map(|(old, new)| (old.to_owned(), new.to_owned())).into();
        for (text, expected) in [
            (
                "options root=UUID=0123abcd-0123-8123-8123-0123456789ab rw\n",
                "options root=UUID=fedcba98-0000-4000-8000-00000000000f rw\n",
            ),
            ("\"0123ABCD-0123-8123-8123-0123456789AB\"", "\"FEDCBA98-0000-4000-8000-00000000000F\""),
            ("UUID=ABCD-0123 /efi vfat", "UUID=0F00-1234 /efi vfat"),
            ("abcd-0123", "0f00-1234"),
            ("UUID=1234-5678", "UUID=FFFF-0001"),
            ("0000ABCD-0123 ABCD-01230 ABCD-0123-1", "0000ABCD-0123 ABCD-01230 ABCD-0123-1"),
            ("", ""),
            ("ä-e", "ä-e"),
        ] {
            assert_eq!(replaced(text, &ids), expected, "{text}");
        }
    }
}
