//! A line of sysusers.d, taken apart.

/// A line that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SysusersLine {
    /// The file it stands in, as a path of the tree without a leading slash.
    pub file: Vec<u8>,
    /// Line, counted from 1.
    pub number: usize,
    /// What it says.
    pub entry: SysusersEntry,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SysusersEntry {
    /// `u` and `u!`: a user.
    User(SysusersUser),
    /// `g`: a group.
    Group(SysusersGroup),
    /// `m`: a user is in a group; both are made.
    Member {
        /// The user.
        user: Vec<u8>,
        /// The group.
        group: Vec<u8>,
    },
    /// `r`: numbers to choose from.
    Range {
        /// The first.
        first: u32,
        /// The last.
        last: u32,
    },
}

/// A user that is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SysusersUser {
    /// Its name.
    pub name: Vec<u8>,
    /// `u!`: nobody can log in as it. Since systemd 257.
    pub locked: bool,
    /// Its number.
    pub uid: IdSource,
    /// Its group.
    pub group: PrimaryGroup,
    /// The comment; `None` for none.
    pub gecos: Option<Vec<u8>>,
    /// The home directory; `None` for `/`.
    pub home: Option<Vec<u8>>,
    /// The login shell; `None` for that of the system, which is `nologin` but for root.
    pub shell: Option<Vec<u8>>,
}

/// A group that is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SysusersGroup {
    /// Its name.
    pub name: Vec<u8>,
    /// Its number.
    pub gid: IdSource,
}

/// Where a number comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdSource {
    /// A free one is chosen on each machine.
    Automatic,
    /// This one, if it is free.
    Number(u32),
    /// The owner of this file.
    Path(Vec<u8>),
}

/// The group of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrimaryGroup {
    /// A group of the user's name, made with it.
    Own,
    /// The group of this number, which must be made by another line.
    Number(u32),
    /// The group of this name, which must be made by another line.
    Named(Vec<u8>),
}

impl SysusersEntry {
    /// Whether a further line of the same name says the same. Shells that let nobody in count as one.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::User(one), Self::User(other)) => {
                let shell = |user: &SysusersUser| Shell::of(user);
                one.uid == other.uid
                    && one.group == other.group
                    && one.gecos == other.gecos
                    && one.home == other.home
                    && shell(one) == shell(other)
            }
            _ => self == other,
        }
    }
}

#[derive(PartialEq, Eq)]
enum Shell {
    Nobody,
    Path(Vec<u8>),
}

impl Shell {
    fn of(user: &SysusersUser) -> Self {
        match user.shell.as_deref() {
            None if user.uid == IdSource::Number(0) => Self::Path(b"/bin/sh".to_vec()),
            None => Self::Nobody,
            Some(path) if NO_LOGIN.contains(&path) => Self::Nobody,
            Some(path) => Self::Path(path.to_vec()),
        }
    }
}

const NO_LOGIN: [&[u8]; 8] = [
    b"/bin/nologin",
    b"/sbin/nologin",
    b"/usr/bin/nologin",
    b"/usr/sbin/nologin",
    b"/bin/false",
    b"/usr/bin/false",
    b"/bin/true",
    b"/usr/bin/true",
];
