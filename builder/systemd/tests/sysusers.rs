//! sysusers.d as `systemd-sysusers` reads it.

mod judge;

use std::collections::BTreeSet;

use builder_systemd::{IdSource, PrimaryGroup, SysusersConfig, group_line, parse_group, parse_passwd, user_line};
use judge::{Image, systemd_version};

const FILE: &str = "usr/lib/sysusers.d/a.conf";

const LINES: &str = "\
# comment
; no comment
u
u a
u b 500
u c 501:502
u d 503:grp
u e /file
u f - \"Desc ription\" /home/f /bin/sh
u g - \"Desc:x\"
u h - \"x\" rel
u i - \"x\" /home/../x
u j - \"x\" /home/j rel
u k - \"x\" /home/k /bin/sh extra
u l 65535
u m 4294967295
u n 0700
u o -:100
u p 5:5:5
u q -:
u r :7
u %o-x
u 0name
u na.me
u nam$
u -
u \"\"
u abcdefghijklmnopqrstuvwxyz012345
u abcdefghijklmnopqrstuvwxyz01234
g ga
g gb 700
g gc /file
g gd - \"desc\"
g ge - - /home
g gf - - - -
g gg 0x10
g gh 12:13
g gi name
m u1 g1
m u2
m - g1
m u3 g3 desc
m u4 g.4
r - 500-900
r - 500
r - 900-500
r x 500-900
r -
r
r - a-b
r - 1000 desc
u!! x
uu x
x y
u \"quo ted\"
u bad\\q
u 'unterminated
u esc\\x20x
m root wheel
u a
u a - \"other\"
g b 500
g b 501
u dup1 - \"a\" / /bin/sh
u dup1 - \"a\" / /bin/bash
u dup2 - - - /bin/false
u dup2 - - - /usr/sbin/nologin
u sh1 - - - -
u gec - \"\"
u gec2 - - \"\" \"\"
r - 100-200 \"\" \"\" \"\"
u crn /x/%o
u %Q
u Up-per_1
u _x
u -x
u trail \t
g gmode - - -
u shell - - - /
";

#[test]
fn the_same_lines_are_refused() {
    let mut image = Image::new();
    image.file(FILE, LINES);
    let said = image.said(&image.run("systemd", "systemd-sysusers", &["--dry-run"]), FILE);
    let config = SysusersConfig::read(&image.tree).unwrap();
    assert!(said.len() > 35, "{said:?}");
    let numbers: BTreeSet<_> = config.findings().iter().map(|found| found.line.unwrap()).collect();
    let judged: BTreeSet<_> = said.keys().copied().collect();
    if let Some(number) = numbers.symmetric_difference(&judged).next() {
        let text = LINES.split('\n').nth(number - 1);
        let ours: Vec<_> = config.findings().iter().filter(|found| found.line == Some(*number)).collect();
        panic!("line {number} {text:?}: systemd says {:?}, we say {ours:?}", said.get(number));
    }
    for found in config.findings() {
        let problem = found.problem.to_string();
        // Versions differ in how they call a wrong modifier.
        let ours = if problem.starts_with("Unknown modifiers") { "Unknown modifier" } else { &problem };
        let theirs = &said[&found.line.unwrap()];
        assert!(theirs.iter().any(|theirs| theirs.starts_with(ours)), "{found}\n{theirs:?}");
    }
}

/// What only newer versions know, and what no judge can say.
#[test]
fn locked_users_and_unknown_names() {
    let mut image = Image::new();
    image.file(FILE, "u! locked\nu host-%H\ng! x\n");
    let config = SysusersConfig::read(&image.tree).unwrap();
    assert!(config.user(b"locked").unwrap().locked);
    let found: Vec<_> = config.findings().iter().map(ToString::to_string).collect();
    let expected = [
        "/usr/lib/sysusers.d/a.conf line 2: 'host-%H' cannot be judged: it depends on %H, which is known only on the \
         running machine",
        "/usr/lib/sysusers.d/a.conf line 3: Flag '!' not permitted on lines of type 'g'.",
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_same_users_and_groups_are_made() {
    let mut image = Image::new();
    image.file(
        FILE,
        "g first 150\nu own\nu numbered 160\nu grouped 161:150\nu named 162:first \"Named User\" /var/named /bin/sh\n\
         m member club\nm own club\nu! nothing-in-old-versions\nu root 0 \"Super User\" /root\ng tail -\n",
    );
    image.file("usr/lib/sysusers.d/z.conf", "u own 999\nu overridden\n");
    image.file("etc/sysusers.d/z.conf", "u etc\n");
    image.file("usr/lib/sysusers.d/masked.conf", "u masked\n");
    image.link("etc/sysusers.d/masked.conf", "/dev/null");
    let output = image.run("systemd", "systemd-sysusers", &[]);
    let read = |path: &str| {
        let text = std::fs::read(image.disk.path().join(path));
        text.unwrap_or_else(|error| panic!("{path}: {error}: {}", String::from_utf8_lossy(&output.stderr)))
    };
    let mut findings = Vec::new();
    let users = parse_passwd(b"etc/passwd", &read("etc/passwd"), &mut findings);
    let groups = parse_group(b"etc/group", &read("etc/group"), &mut findings);
    assert_eq!(findings, []);

    let config = SysusersConfig::read(&image.tree).unwrap();
    let name = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
    let newer = |name: &String| systemd_version() >= 257 || !name.starts_with("nothing-");
    let ours: BTreeSet<_> = config.created_users().into_iter().map(name).filter(newer).collect();
    assert_eq!(ours, users.iter().map(|user| name(&user.name)).collect());
    let ours: BTreeSet<_> = config.created_groups().into_iter().map(name).filter(newer).collect();
    assert_eq!(ours, groups.iter().map(|group| name(&group.name)).collect());
    for user in &users {
        assert!(config.creates_user(&user.name));
        let Some(line) = config.user(&user.name) else { continue };
        if let IdSource::Number(uid) = line.uid {
            assert_eq!(user.uid, uid, "{user:?}");
        }
        let group = match &line.group {
            PrimaryGroup::Own => groups.iter().find(|group| group.name == user.name).unwrap().gid,
            PrimaryGroup::Number(gid) => *gid,
            PrimaryGroup::Named(name) => groups.iter().find(|group| &group.name == name).unwrap().gid,
        };
        assert_eq!(user.gid, group, "{user:?}");
        assert_eq!(line.gecos.clone().unwrap_or_default(), user.gecos, "{user:?}");
        assert_eq!(line.home.clone().unwrap_or_else(|| b"/".to_vec()), user.home, "{user:?}");
    }
    assert!(!config.creates_group(b"grouped"));
    assert!(!config.creates_user(b"overridden"));
}

#[test]
fn lines_for_accounts_make_the_same_accounts() {
    let passwd = "root:x:0:0:root:/root:/bin/bash\n\
                  sync:x:4:65534:sync:/bin:/bin/sync\n\
                  app:x:150:160:An \"App\", 100% \\ odd:/var/lib/a b:/bin/sh\n\
                  plain:x:170:170::/var:/usr/sbin/nologin\n";
    let group = "root:x:0:\nnogroup:x:65534:\nshared:x:160:\nplain:x:170:\n";
    let mut findings = Vec::new();
    let users = parse_passwd(b"etc/passwd", passwd.as_bytes(), &mut findings);
    let groups = parse_group(b"etc/group", group.as_bytes(), &mut findings);
    let mut lines: Vec<Vec<u8>> = groups.iter().map(|group| group_line(group).unwrap()).collect();
    lines.extend(users.iter().map(|user| {
        let group = groups.iter().find(|group| group.gid == user.gid).map(|group| group.name.as_slice());
        user_line(user, group).unwrap()
    }));
    lines.push(Vec::new());
    let mut image = Image::new();
    image.file(FILE, lines.join(&b'\n'));
    let output = image.run("systemd", "systemd-sysusers", &[]);
    let read = |path: &str| {
        let text = std::fs::read(image.disk.path().join(path));
        text.unwrap_or_else(|error| panic!("{path}: {error}: {}", String::from_utf8_lossy(&output.stderr)))
    };
    let mut made = parse_passwd(b"etc/passwd", &read("etc/passwd"), &mut findings);
    // systemd writes them in an order of its own.
    made.sort_by_key(|user| users.iter().position(|ours| ours.name == user.name));
    let all = |user: &builder_systemd::PasswdEntry| {
        format!("{:?}", (user.uid, user.gid, [&user.name, &user.gecos, &user.home, &user.shell]))
    };
    assert_eq!(made.iter().map(all).collect::<Vec<_>>(), users.iter().map(all).collect::<Vec<_>>());
    let made: BTreeSet<_> = parse_group(b"etc/group", &read("etc/group"), &mut findings)
        .into_iter()
        .map(|group| (group.name, group.gid))
        .collect();
    assert_eq!(made, groups.into_iter().map(|group| (group.name, group.gid)).collect());
    assert_eq!(findings, []);
}
