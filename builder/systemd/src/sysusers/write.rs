//! Lines that make the accounts an image has.

use crate::identifiers::{parse_id, valid_field, valid_name};
use crate::place::simplify;
use crate::sysusers::parse::valid_path;
use crate::{GroupEntry, PasswdEntry};

/// The line `u` (without its end) that makes this user, but for its password, on a machine that lacks it; `None` where
/// systemd would not take its name, numbers, comment, home directory or shell.
///
/// `group` is the name of its group; where it has none, the line has the number. Unless the group has the user's name
/// and number, another line must make it: see [`group_line`].
#[must_use]
pub fn user_line(user: &PasswdEntry, group: Option<&[u8]>) -> Option<Vec<u8>> {
    let PasswdEntry { name, uid, gid, gecos, home, shell, .. } = user;
    if !valid_name(name) || !valid_id(*uid) || !valid_id(*gid) {
        return None;
    }
    let id = match group {
        Some(group) if group == name && uid == gid => uid.to_string().into_bytes(),
        Some(group) if valid_name(group) => [uid.to_string().as_bytes(), b":", group].concat(),
        _ => format!("{uid}:{gid}").into_bytes(),
    };
    // Without a shell the C library takes this one, and systemd another.
    let shell = if shell.is_empty() { b"/bin/sh" } else { shell.as_slice() };
    let fields: [&[u8]; 6] = [b"u", name, &id, &comment(gecos)?, &path(home)?, &path(shell)?];
    Some(fields.join(&b' '))
}

/// The line `g` (without its end) that makes this group on a machine that lacks it, without its members; `None` where
/// systemd would not take its name or number.
#[must_use]
pub fn group_line(group: &GroupEntry) -> Option<Vec<u8>> {
    let valid = valid_name(&group.name) && valid_id(group.gid);
    valid.then(|| [b"g ", group.name.as_slice(), b" ", group.gid.to_string().as_bytes()].concat())
}

fn valid_id(id: u32) -> bool {
    parse_id(id.to_string().as_bytes()).is_ok()
}

fn comment(text: &[u8]) -> Option<Vec<u8>> {
    let none = text.is_empty() || text == b"-";
    valid_field(text).then(|| if none { b"-".to_vec() } else { quoted(text) })
}

fn path(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_empty() {
        return Some(b"-".to_vec());
    }
    let path = simplify(text);
    let plain = path.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(byte));
    valid_path(&path).then(|| if plain { path } else { quoted(&path) })
}

fn quoted(text: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for &byte in text {
        match byte {
            b'"' | b'\\' => quoted.extend_from_slice(&[b'\\', byte]),
            b'%' => quoted.extend_from_slice(b"%%"),
            _ => quoted.push(byte),
        }
    }
    quoted.push(b'"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::{group_line, user_line};
    use crate::specifier::Specifiers;
    use crate::sysusers::parse::parse;
    use crate::{IdSource, PrimaryGroup, SysusersEntry, parse_group, parse_passwd};

    #[test]
    fn lines_say_number_group_comment_home_and_shell() {
        for (entry, group, expected) in [
            ("root:x:0:0:root:/root:/bin/bash", Some("root"), "u root 0 \"root\" /root /bin/bash"),
            ("sync:x:4:65534:sync:/bin:/bin/sync", Some("nogroup"), "u sync 4:nogroup \"sync\" /bin /bin/sync"),
            ("a:x:5:6::/x/:", Some("a"), "u a 5:a - /x /bin/sh"),
            ("a:x:5:5::/:/bin/sh", Some("b"), "u a 5:b - / /bin/sh"),
            ("a:x:5:6:-::/bin/sh", Some("9"), "u a 5:6 - - /bin/sh"),
            ("a:x:5:6:b \"c\" %\\:/v w:/s", None, "u a 5:6 \"b \\\"c\\\" %%\\\\\" \"/v w\" /s"),
        ] {
            let user = parse_passwd(b"passwd", entry.as_bytes(), &mut Vec::new()).remove(0);
            let line = user_line(&user, group.map(str::as_bytes)).unwrap();
            assert_eq!(String::from_utf8_lossy(&line), expected);
            let SysusersEntry::User(read) = parse(&Specifiers::default(), &line).unwrap() else { panic!("{expected}") };
            assert_eq!((read.name, read.uid), (user.name, IdSource::Number(user.uid)), "{expected}");
            assert_eq!(read.group == PrimaryGroup::Own, group == Some("root"), "{expected}");
            let gecos = if user.gecos == b"-" { Vec::new() } else { user.gecos };
            assert_eq!(read.gecos.unwrap_or_default(), gecos, "{expected}");
        }
        let group = parse_group(b"group", b"g:x:7:a,b", &mut Vec::new()).remove(0);
        assert_eq!(group_line(&group).unwrap(), b"g g 7");
    }

    #[test]
    fn what_systemd_refuses_has_no_line() {
        for entry in [
            "a.b:x:5:5::/:/bin/sh",
            "a:x:65535:5::/:/bin/sh",
            "a:x:5:4294967295::/:/bin/sh",
            "a:x:5:5::home:/bin/sh",
            "a:x:5:5::/x/../y:/bin/sh",
            "a:x:5:5::/:sh",
            "a:x:5:5:\u{1}:/:/bin/sh",
        ] {
            let user = parse_passwd(b"passwd", entry.as_bytes(), &mut Vec::new()).remove(0);
            assert_eq!(user_line(&user, None), None, "{entry}");
        }
        for entry in ["a.b:x:5:", "a:x:65535:"] {
            let group = parse_group(b"group", entry.as_bytes(), &mut Vec::new()).remove(0);
            assert_eq!(group_line(&group), None, "{entry}");
        }
    }
}
