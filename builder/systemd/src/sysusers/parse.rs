//! From the text of a line to its parts.

use crate::identifiers::{parse_id, valid_field, valid_name};
use crate::place::{goes_up, simplify};
use crate::specifier::{Letters, Specifiers};
use crate::sysusers::SysusersProblem as Problem;
use crate::sysusers::entry::{IdSource, PrimaryGroup, SysusersEntry, SysusersGroup, SysusersUser};
use crate::words::{Backslash, Words};

/// The fields behind the letter, without the empty ones and with their specifiers replaced.
struct Fields {
    kind: char,
    locked: bool,
    name: Option<Vec<u8>>,
    id: Option<Vec<u8>>,
    gecos: Option<Vec<u8>>,
    home: Option<Vec<u8>>,
    shell: Option<Vec<u8>>,
}

/// Takes a line apart that is neither empty nor a comment.
pub(crate) fn parse(specifiers: &Specifiers, line: &[u8]) -> Result<SysusersEntry, Problem> {
    let fields = Fields::split(specifiers, line)?;
    match fields.kind {
        'u' => user(fields),
        'g' => group(fields),
        'm' => member(fields),
        _ => range(&fields),
    }
}

impl Fields {
    fn split(specifiers: &Specifiers, line: &[u8]) -> Result<Self, Problem> {
        let mut words = Words::new(line, Backslash::Literal);
        let mut fields: [Option<Vec<u8>>; 6] = Default::default();
        for field in &mut fields {
            *field = words.next_word().map_err(|_| Problem::Quoting)?.map(|word| word.text);
        }
        let [command, name, id, gecos, home, shell] = fields;
        let (Some(command), Some(name)) = (command, name) else { return Err(Problem::NoName) };
        if !words.rest().is_empty() {
            return Err(Problem::Trailing);
        }
        let Some((&letter, signs)) = command.split_first() else { return Err(Problem::NoCommand) };
        let locked = match signs {
            b"" => false,
            b"!" => true,
            _ => return Err(Problem::UnknownModifiers(command)),
        };
        if !b"ugmr".contains(&letter) {
            return Err(Problem::UnknownKind(letter));
        }
        let expand = |field: Option<Vec<u8>>| {
            let Some(text) = field.filter(|text| !text.is_empty() && text != b"-") else { return Ok(None) };
            match specifiers.expand(Letters::Sysusers, &text) {
                Ok(Ok(expanded)) => Ok(Some(expanded)),
                Ok(Err(why)) => Err(Problem::Unresolved { text, why }),
                Err(error) => Err(Problem::Specifiers { text, reason: error.to_string() }),
            }
        };
        let fields = Self {
            kind: char::from(letter),
            locked,
            name: expand(Some(name))?,
            id: expand(id)?,
            gecos: expand(gecos)?,
            home: expand(home)?.map(|path| simplify(&path)),
            shell: expand(shell)?.map(|path| simplify(&path)),
        };
        fields.check()?;
        Ok(fields)
    }

    fn check(&self) -> Result<(), Problem> {
        let wrong = |field: &Option<Vec<u8>>, valid: fn(&[u8]) -> bool| field.clone().filter(|text| !valid(text));
        if let Some(name) = wrong(&self.name, valid_name) {
            return Err(Problem::Name(name));
        }
        if let Some(gecos) = wrong(&self.gecos, valid_field) {
            return Err(Problem::Gecos(gecos));
        }
        if let Some(home) = wrong(&self.home, valid_path) {
            return Err(Problem::Home(home));
        }
        if let Some(shell) = wrong(&self.shell, valid_path) {
            return Err(Problem::Shell(shell));
        }
        Ok(())
    }

    /// The name, with an error in systemd's words where it is missing.
    fn name(&mut self) -> Result<Vec<u8>, Problem> {
        let kind = self.kind;
        self.name.take().ok_or(Problem::Missing { kind, field: "a user name in the second" })
    }

    /// An error where one of the fields of a user is given.
    fn no_more(&self) -> Result<(), Problem> {
        let given = [(&self.gecos, "GECOS"), (&self.home, "home directory"), (&self.shell, "login shell")];
        let field = given.into_iter().find(|(field, _)| field.is_some());
        field.map_or(Ok(()), |(_, field)| Err(Problem::Field { kind: self.kind, field }))
    }

    fn not_locked(&self) -> Result<(), Problem> {
        if self.locked { Err(Problem::Locked(self.kind)) } else { Ok(()) }
    }
}

pub(crate) fn valid_path(path: &[u8]) -> bool {
    valid_field(path) && path.starts_with(b"/") && !goes_up(path)
}

fn user(mut fields: Fields) -> Result<SysusersEntry, Problem> {
    let name = fields.name()?;
    let (mut uid, mut group) = (IdSource::Automatic, PrimaryGroup::Own);
    if let Some(id) = fields.id {
        if id.starts_with(b"/") {
            uid = IdSource::Path(simplify(&id));
        } else {
            let number = match id.iter().position(|&byte| byte == b':') {
                None => &id[..],
                Some(colon) => {
                    let gid = &id[colon + 1..];
                    group = match parse_id(gid) {
                        Ok(gid) => PrimaryGroup::Number(gid),
                        Err(_) if valid_name(gid) => PrimaryGroup::Named(gid.to_vec()),
                        Err(error) => return Err(Problem::Gid { id: id.clone(), reason: error.to_string() }),
                    };
                    &id[..colon]
                }
            };
            if number != b"-" {
                let parsed = parse_id(number);
                uid = IdSource::Number(
                    parsed.map_err(|error| Problem::Uid { id: id.clone(), reason: error.to_string() })?,
                );
            }
        }
    }
    Ok(SysusersEntry::User(SysusersUser {
        name,
        locked: fields.locked,
        uid,
        group,
        gecos: fields.gecos,
        home: fields.home,
        shell: fields.shell,
    }))
}

fn group(mut fields: Fields) -> Result<SysusersEntry, Problem> {
    let name = fields.name()?;
    fields.not_locked()?;
    fields.no_more()?;
    let gid = match fields.id {
        None => IdSource::Automatic,
        Some(path) if path.starts_with(b"/") => IdSource::Path(simplify(&path)),
        Some(id) => match parse_id(&id) {
            Ok(gid) => IdSource::Number(gid),
            Err(error) => return Err(Problem::Gid { id, reason: error.to_string() }),
        },
    };
    Ok(SysusersEntry::Group(SysusersGroup { name, gid }))
}

fn member(mut fields: Fields) -> Result<SysusersEntry, Problem> {
    let user = fields.name()?;
    fields.not_locked()?;
    let group = fields.id.take().ok_or(Problem::Missing { kind: 'm', field: "a group name in the third" })?;
    if !valid_name(&group) {
        return Err(Problem::Name(group));
    }
    fields.no_more()?;
    Ok(SysusersEntry::Member { user, group })
}

fn range(fields: &Fields) -> Result<SysusersEntry, Problem> {
    fields.not_locked()?;
    if fields.name.is_some() {
        return Err(Problem::Field { kind: 'r', field: "name" });
    }
    let Some(id) = &fields.id else { return Err(Problem::Missing { kind: 'r', field: "an ID range in the third" }) };
    fields.no_more()?;
    let (first, last) = match id.iter().position(|&byte| byte == b'-') {
        Some(dash) => (&id[..dash], &id[dash + 1..]),
        None => (&id[..], &id[..]),
    };
    match (parse_id(first), parse_id(last)) {
        (Ok(first), Ok(last)) if first <= last => Ok(SysusersEntry::Range { first, last }),
        _ => Err(Problem::Range(id.clone())),
    }
}
