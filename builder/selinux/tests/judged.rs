//! Labels held against those of libselinux: `matchpathcon` of the Debian package `selinux-utils`, which needs no
//! SELinux in the kernel.
//!
//! Rows keep to what all releases of libselinux agree on; the crate's documentation of `Policy` lists the rest.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use builder_selinux::{FileKind, Policy, PolicyTexts};
use tempfile::TempDir;

/// The kinds, with what `matchpathcon -m` calls them.
const KINDS: [(FileKind, &str); 7] = [
    (FileKind::Regular, "file"),
    (FileKind::Directory, "dir"),
    (FileKind::Symlink, "lnk_file"),
    (FileKind::CharDevice, "chr_file"),
    (FileKind::BlockDevice, "blk_file"),
    (FileKind::Fifo, "pipe"),
    (FileKind::Socket, "sock_file"),
];

#[derive(Default)]
struct Files {
    contexts: String,
    homedirs: String,
    local: String,
    subs: String,
    subs_dist: String,
}

impl Files {
    fn policy(&self) -> Policy {
        Policy::parse(
            b"judged",
            &PolicyTexts {
                path: b"file_contexts",
                contexts: self.contexts.as_bytes(),
                homedirs: self.homedirs.as_bytes(),
                local: self.local.as_bytes(),
                subs: self.subs.as_bytes(),
                subs_dist: self.subs_dist.as_bytes(),
            },
        )
        .unwrap()
    }

    fn write(&self) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (suffix, text) in [
            ("", &self.contexts),
            (".homedirs", &self.homedirs),
            (".local", &self.local),
            (".subs", &self.subs),
            (".subs_dist", &self.subs_dist),
        ] {
            fs::write(directory.path().join(format!("file_contexts{suffix}")), text).unwrap();
        }
        directory
    }
}

/// What matchpathcon says of the paths, as files of that kind.
fn judge(directory: &TempDir, kind: &str, paths: &[&[u8]]) -> Vec<String> {
    let output = Command::new("matchpathcon")
        .args(["-n", "-N", "-m", kind, "-f"])
        .arg(directory.path().join("file_contexts"))
        .args(paths.iter().map(|path| OsStr::from_bytes(path)))
        .output()
        .expect("install the Debian package `selinux-utils`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), paths.len());
    lines
}

/// All paths as all kinds: the same answers from both.
fn agree(files: &Files, paths: &[&[u8]]) {
    let policy = files.policy();
    let directory = files.write();
    for (kind, name) in KINDS {
        for (path, expected) in paths.iter().zip(judge(&directory, name, paths)) {
            let found = policy.label(path, kind).map_or("<<none>>".to_owned(), ToString::to_string);
            assert_eq!(found, expected, "{} as {name} with\n{}", path.escape_ascii(), files.contexts);
        }
    }
}

fn words(text: &str) -> Vec<&[u8]> {
    text.split_whitespace().map(str::as_bytes).collect()
}

#[test]
fn order_types_and_none_are_those_of_libselinux() {
    let files = Files {
        contexts: "\
# pattern, type, context
/.*                      u:r:default
/                  -d    u:r:root
/a/.*                    u:r:a_below
/a/.*              -l    u:r:a_links
/a/literal               u:r:literal
/a/lit.*                 u:r:later_but_a_pattern
/a/literal2        --    u:r:literal_file
/a/b(/.*)?               u:r:early
/a/b(/.*)?               u:r:late
/a/b/c             -d    <<none>>
/a/b/c/.*                <<none>>
/a/b/c/d           -s    u:r:sock
/a/dev/[^/]*       -c    u:r:chr
/a/dev/[^/]*       -b    u:r:blk
/a/dev/fifo        -p    u:r:pipe
/lost\\+found       -d    u:r:lost
/lost\\+found/.*          <<none>>
/etc/ld\\.so\\.conf  --    u:r:dots
/run/*.pid               u:r:stars
/usr/bin                 u:r:bin_dir
/usr/bin/.*        --    u:r:exec   trailing words
/tmp/x|/tmp/y            u:r:both_sides
/home/[^/]+        -d    u:r:base_home
"
        .to_owned(),
        homedirs: "/home/[^/]+ -d u:r:home\n/home/[^/]+/.+ u:r:home_below\n/home/[^/]+/\\.ssh(/.*)? u:r:ssh\n"
            .to_owned(),
        local: "/a/b/local(/.*)? u:r:local\n/home/admin/.* u:r:admin\n".to_owned(),
        ..Files::default()
    };
    agree(
        &files,
        &words(
            "/ // /a /a/ /a//x /a/x/ /a/literal /a/literal2 /a/lit3 /a/b /a/b/x /a/bx /a/b/c /a/b/c/d \
             /a/b/c/e /a/b/local /a/b/local/x /a/dev/null /a/dev/fifo /lost+found /lost+found/#1 /lostt/x \
             /etc/ld.so.conf /etc/ldxso.conf /run/x.pid /run/.pid /runx.pid /run/a/x.pid /usr/bin \
             /usr/bin/bash /usr/bin/a/b /tmp/x /tmp/x/below /tmp/y /tmp/z /tmp/q/tmp/y /home /home/user \
             /home/user/x /home/user/.ssh /home/user/.ssh/id /home/admin/x /home/admin/.ssh/id relative \
             /a/b\u{e4}",
        ),
    );
}

#[test]
fn no_rule_is_no_label() {
    let files = Files { contexts: "/a u:r:a\n/b/.* <<none>>\n".to_owned(), ..Files::default() };
    agree(&files, &words("/ /a /a/b /b /b/c /c"));
    assert!(files.policy().label(b"", FileKind::Regular).is_none());
}

#[test]
fn substitutions_are_those_of_libselinux() {
    let files = Files {
        contexts: "\
/.* u:r:default
/usr/lib/.* u:r:lib
/usr/lib/x -- u:r:x
/usr/lib/x/usr/lib64/y u:r:twice
/home/[^/]+ u:r:home
/etc/.* u:r:etc
/root(/.*)? u:r:root
"
        .to_owned(),
        subs: "# local ones first\n/mylib /lib64\n/chroot /\n/myhome /home\n/word\n".to_owned(),
        subs_dist: "/lib64 /usr/lib\n\n/usr/lib64\t/usr/lib\n  /usr/etc   /etc  # words\n/var/roothome /root\n/home/myhome /home\n"
            .to_owned(),
        ..Files::default()
    };
    agree(
        &files,
        &words(
            "/lib64 /lib64/x /lib64/ /lib64//x /lib640/x /usr/lib64/x/y /mylib/x /mylib /mylibx /chroot \
             /chroot/usr/lib/x /chroot/lib64/x /chroot/mylib/x /usr/etc/passwd /usr/etc /var/roothome \
             /var/roothome/a /myhome/u /home/myhome/u /word/x /lib64/x/usr/lib64/y",
        ),
    );
}

#[test]
fn the_last_substitution_and_the_local_literal_win() {
    let files = Files {
        contexts: "/a/b u:r:base\n/a/c u:r:c\n/x/first u:r:first\n/x/last u:r:last\n".to_owned(),
        homedirs: "/a/b u:r:homedirs\n".to_owned(),
        local: "/a/b u:r:local\n".to_owned(),
        subs: "/probe /x/first\n/probe /x/last\n".to_owned(),
        ..Files::default()
    };
    let label = |path: &[u8]| files.policy().label(path, FileKind::Regular).map(ToString::to_string);
    assert_eq!(label(b"/probe").as_deref(), Some("u:r:last"));
    assert_eq!(label(b"/a/b").as_deref(), Some("u:r:local"));
    // libselinux 3.8 takes the first of both; that was mended in 3.9, so it cannot judge here.
    if judge(&files.write(), "file", &[b"/probe"]) != ["u:r:first"] {
        agree(&files, &words("/probe /a/b /a/c"));
    }
}

/// Patterns, one a word.
const PATTERNS: &str = r"
    /p/. /p/.* /p/a* /p/a+ /p/a? /p/a*?b /p/a{2} /p/a{1,2} /p/a{2,} /p/a{2}b? /p/a\{2\}.? /p/a{.?
    /p/a{x}.? /p/a}.? /p/a].? /p/(ab)+ /p/(?:ab)+ /p/(a|ab|aab) /p/(a|) /p/(|b) /p/()a? /p/[ab] /p/[^ab]
    /p/[]a] /p/[^]a] /p/[a-c]+ /p/[-a]+ /p/[a-]+ /p/[a-b-]+ /p/[+--] /p/[--/] /p/[[] /p/[[a] /p/[a[b]
    /p/[\]\[] /p/[\^-] /p/[&&a]+ /p/[a&&b]+ /p/[a~~b]+ /p/[[:alpha:]]+ /p/[^[:alpha:]]+ /p/[[:^alpha:]]
    /p/[[:punct:]] /p/[[:space:][:digit:]]|/none /p/[[:digit:]a-f]+ /p/[[:word:]]+ /p/[[:print:]]
    /p/[[:cntrl:]] /p/[[:graph:]] /p/[[:blank:]x] /p/[:a] /p/[[:a]+ /p/\d /p/\D+ /p/\w+ /p/\W /p/a\sb
    /p/\S+ /p/[\d\w]+ /p/[^\w] /p/[\s\S]+ /p/[\W]+ /p/[\b] /p/a\b.* /p/a\B.* /p/\<.? /p/.\<b /p/a\-b.?
    /p/a\_b.? /p/\\.? /p/\x61.? /p/[\x61-\x63]+ /p/\xe4 /p/[\xc0-\xff]+ /p/a\tb /p/a\nb /p/\x08.? /p/a.b
    /p/[^/]+/[^/]+ /p/[^/]*(/.*)? /p/a$ /p/(a$|x) /p/x$.* /p/x\$.? ^/p/a.* /p/^a \A/p/a.* /p/a\z.?
    /p/a\Z /p/a|/p/b /p/x|b /p/a| (/p/a|/p/b) /(p|q)/a .* .+b [^x]* /p/#a.? /p/a:.? /p/~.? /p/-.?
    /p/&{2} /p/,.? /p/(a(b(/c)?)?)+.? /p/(.*/)?c /p/.*/.*
";

/// What is matched, below `/p/`, separated by bars.
const SUBJECTS: &[u8] = b"\
        |a|b|aa|ab|aab|aaa|abab|a-b|a.b|a+b|a b|a\tb|a\nb|a\x0bb|A|0|1a|a_b|a{2}|a{|a{x}|a}|a]|[|]|\
        ^|-|&|&&|a&&b|~|--|\\|<|a<b|ab/c|ab/c/d|ab/|\x08|\x7f|\xe4|\xc3\xa4|a\xff|x$|x|xy|,|a:|:|\
        #a|a\n|\
";

#[test]
fn patterns_mean_what_pcre_takes_them_for() {
    let subjects: Vec<_> = SUBJECTS.split(|&byte| byte == b'|').map(|name| [b"/p/", name].concat()).collect();
    let subjects: Vec<_> = subjects.iter().map(Vec::as_slice).collect();
    for pattern in PATTERNS.split_whitespace() {
        let files = Files { contexts: format!("/.* u:r:no\n{pattern} u:r:yes\n"), ..Files::default() };
        agree(&files, &subjects);
    }
}

/// A small generator of numbers, so that the sweep is the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// The bytes before the first special one; `None` where there is none.
fn literal_length(pattern: &str) -> Option<usize> {
    let mut escaped = false;
    pattern.bytes().position(|byte| {
        let special = !escaped && b".[(?*+|".contains(&byte);
        escaped = !escaped && byte == b'\\';
        special
    })
}

#[test]
fn generated_policies_give_the_same_labels() {
    let names = ["a", "b", "ab", "lib", "lib64", "x.so", "c+d"];
    let pieces = [
        "a", "b", "ab", "lib", r"x\.so", r"c\+d", ".*", "[^/]+", "lib(64)?", "(a|b)", "a?b*", "[a-c]+", ".", r"x\.so.*",
    ];
    let tails = ["", "", "(/.*)?", "/.*", "/[^/]*", "x?", ".+", "(/a|/b)"];
    let types = ["", "", "", "--", "-d", "-l", "-c", "-b", "-p", "-s"];
    let mut numbers = Numbers(1);
    let mut paths = vec!["/".to_owned()];
    for one in names {
        for two in names {
            paths.push(format!("/{one}/{two}"));
            paths.push(format!("/{one}/{two}/{}/{}", numbers.pick(&names), numbers.pick(&names)));
            paths.push(format!("/{one}/{two}/{}/a/b/{}", numbers.pick(&names), numbers.pick(&names)));
        }
        paths.push(format!("/{one}"));
    }
    let paths: Vec<_> = paths.iter().map(String::as_bytes).collect();
    for round in 0..30 {
        let mut specs = Vec::new();
        for number in 0..60 {
            let pattern: String = (0..=numbers.below(4)).fold(String::new(), |mut pattern, _| {
                let _ = write!(pattern, "/{}", numbers.pick(&pieces));
                pattern
            });
            let context = if numbers.below(12) == 0 { "<<none>>".to_owned() } else { format!("u:r:t{number}") };
            let pattern = format!("{pattern}{}", numbers.pick(&tails));
            // As policies come: sorted by the length of what is literal. Two literals would be refused in a policy,
            // and the releases differ about them.
            let special = literal_length(&pattern);
            if special.is_none() && specs.iter().any(|(_, text, _)| *text == pattern) {
                continue;
            }
            specs.push((special.unwrap_or(usize::MAX), pattern, format!("{} {context}", numbers.pick(&types))));
        }
        specs.sort_by_key(|(literal, ..)| *literal);
        let contexts = specs.iter().fold(String::new(), |mut text, (_, pattern, rest)| {
            let _ = writeln!(text, "{pattern} {rest}");
            text
        });
        let subs_dist = if round % 2 == 0 { "/lib64 /lib\n/ab/lib /a\n" } else { "" }.to_owned();
        agree(&Files { contexts, subs_dist, ..Files::default() }, &paths);
    }
}
