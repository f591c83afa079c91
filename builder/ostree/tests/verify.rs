//! Repositories that `ostree` made and that were then damaged, before `ostree fsck` and before our reader.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use builder_block::Severity;
use builder_ostree::Checksum;
use builder_ostree::verify::{Attributes, FileFacts, RepoFiles, RepoReport, checksum_of_file, files_of_commit, verify};
use rustix::fs::XattrFlags;

/// A directory of the host.
struct Host(PathBuf);

impl Host {
    fn at(&self, path: &[u8]) -> PathBuf {
        self.0.join(std::ffi::OsStr::from_bytes(path))
    }
}

fn there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

impl RepoFiles for Host {
    fn metadata(&self, path: &[u8]) -> io::Result<Option<FileFacts>> {
        let stat = there(fs::symlink_metadata(self.at(path)))?;
        Ok(stat.map(|stat| FileFacts {
            mode: stat.mode(),
            uid: stat.uid(),
            gid: stat.gid(),
            size: stat.size(),
            inode: stat.ino(),
        }))
    }

    fn list(&self, path: &[u8]) -> io::Result<Option<Vec<Vec<u8>>>> {
        let Some(entries) = there(fs::read_dir(self.at(path)))? else { return Ok(None) };
        entries.map(|entry| Ok(entry?.file_name().into_vec())).collect::<io::Result<_>>().map(Some)
    }

    fn read(&self, path: &[u8], limit: u64) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        File::open(self.at(path))?.take(limit + 1).read_to_end(&mut body)?;
        if body.len() as u64 > limit { Err(io::ErrorKind::InvalidData.into()) } else { Ok(body) }
    }

    fn target(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        Ok(fs::read_link(self.at(path))?.into_os_string().into_vec())
    }

    fn xattrs(&self, path: &[u8]) -> io::Result<Attributes> {
        let path = self.at(path);
        let mut names = vec![0; 1 << 16];
        let length = rustix::fs::llistxattr(&path, &mut names[..])?;
        let mut found = Attributes::new();
        for name in names[..length].split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
            let mut value = vec![0; 1 << 16];
            let length = rustix::fs::lgetxattr(&path, name, &mut value[..])?;
            found.insert(name.to_vec(), value[..length].to_vec());
        }
        Ok(found)
    }

    fn stream(&self, path: &[u8], take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let mut file = File::open(self.at(path))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(()),
                n => take(&buffer[..n]),
            }
        }
    }
}

fn run(package: &str, command: &mut Command) -> (bool, String) {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.env("LC_ALL", "C").output();
    let output = output.unwrap_or_else(|error| panic!("{name}: {error}; install the Debian package `{package}`"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn ostree(repo: &Path, arguments: &[&str]) -> String {
    let (success, text) = run("ostree", Command::new("ostree").args(arguments).arg("--repo").arg(repo));
    assert!(success, "ostree {arguments:?}: {text}");
    text
}

/// A repository of two commits, and a third that no ref leads to.
struct Made {
    directory: tempfile::TempDir,
    first: Checksum,
    second: Checksum,
}

impl Made {
    fn repo(&self) -> PathBuf {
        self.directory.path().join("repo")
    }

    /// A copy to be damaged.
    fn copy(&self, number: usize) -> PathBuf {
        let to = self.directory.path().join(format!("copy-{number}"));
        let (success, text) = run("coreutils", Command::new("cp").arg("-a").arg(self.repo()).arg(&to));
        assert!(success, "{text}");
        to
    }

    /// The object of a path in the second commit.
    fn object(&self, path: &str) -> Checksum {
        let mut found = None;
        files_of_commit(&Host(self.repo()), &self.second, 1000, &mut |name, object| {
            if name == path.as_bytes() {
                found = Some(*object);
            }
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
        found.unwrap_or_else(|| panic!("{path}"))
    }

    /// The dirtree or dirmeta of a path in the second commit, by what `ostree ls -C` says.
    fn directory(&self, path: &str, tree: bool) -> Checksum {
        let text = ostree(&self.repo(), &["ls", "-d", "-C", "main", path]);
        let sums: Vec<Checksum> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        sums[usize::from(!tree)]
    }
}

/// Where the object lies.
fn file(repo: &Path, object: &Checksum, suffix: &str) -> PathBuf {
    let name = object.to_string();
    repo.join("objects").join(&name[..2]).join(format!("{}.{suffix}", &name[2..]))
}

/// A repository, if this is root: files of mode `bare` belong to others.
fn made() -> Option<Made> {
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var_os("CI").is_none(), "only root can make a repository of mode bare");
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let (repo, tree) = (directory.path().join("repo"), directory.path().join("tree"));
    ostree(&repo, &["init", "--mode=bare"]);
    fs::create_dir_all(tree.join("usr/bin")).unwrap();
    fs::create_dir_all(tree.join("usr/share/many")).unwrap();
    fs::create_dir_all(tree.join("empty")).unwrap();
    fs::write(tree.join("usr/bin/tool"), vec![7; 100_000]).unwrap();
    fs::set_permissions(tree.join("usr/bin/tool"), fs::Permissions::from_mode(0o4755)).unwrap();
    fs::write(tree.join("usr/share/text"), "text").unwrap();
    chown(tree.join("usr/share/text"), Some(1000), Some(70_000)).unwrap();
    rustix::fs::lsetxattr(tree.join("usr/share/text"), "user.a", b"1", XattrFlags::empty()).unwrap();
    rustix::fs::lsetxattr(tree.join("usr/share/text"), "trusted.b", b"two", XattrFlags::empty()).unwrap();
    rustix::fs::lsetxattr(tree.join("usr/share"), "user.directory", b"x", XattrFlags::empty()).unwrap();
    fs::write(tree.join("usr/share/nothing"), "").unwrap();
    symlink("share/text", tree.join("usr/link")).unwrap();
    lchown(tree.join("usr/link"), Some(5), Some(6)).unwrap();
    rustix::fs::lsetxattr(tree.join("usr/link"), "trusted.l", b"link", XattrFlags::empty()).unwrap();
    for number in 0..40 {
        fs::write(tree.join(format!("usr/share/many/{number}")), format!("{number}")).unwrap();
    }
    let commit = |arguments: &[&str]| -> Checksum {
        let source = format!("--tree=dir={}", tree.display());
        ostree(&repo, &[&["commit", &source][..], arguments].concat()).trim().parse().unwrap()
    };
    let first = commit(&["-b", "main", "-s", "first"]);
    fs::write(tree.join("usr/new"), "new").unwrap();
    let second = commit(&["-b", "main", "-s", "second", "--add-metadata-string=k=v"]);
    commit(&["-s", "third", "--orphan"]);
    Some(Made { directory, first, second })
}

/// Names of objects, with or without their type.
fn names(text: &str) -> BTreeSet<Checksum> {
    let words = text.split(|c: char| !c.is_ascii_hexdigit());
    words.filter_map(|word| word.parse().ok()).collect()
}

/// The objects that `ostree fsck` complains of, and the checksums that it computed of them.
fn complaints(text: &str) -> (BTreeSet<Checksum>, BTreeSet<Checksum>) {
    let (mut objects, mut computed) = (BTreeSet::new(), BTreeSet::new());
    for line in text.lines().filter(|line| !line.starts_with("Marking commit as partial")) {
        // Which commits have it is not a complaint.
        let line = line.find(": ").filter(|_| line.contains("n commits ")).map_or(line, |at| &line[at..]);
        let (before, after) = line.split_once("actual=").unwrap_or((line, ""));
        objects.extend(names(before));
        computed.extend(names(after));
    }
    (objects, computed)
}

fn named(report: &RepoReport) -> BTreeSet<Checksum> {
    let findings = report.findings.iter();
    findings.filter_map(|finding| names(finding.object.as_deref()?).into_iter().next()).collect()
}

#[test]
fn a_repository_of_ostree_is_sound_and_counted() {
    let Some(made) = made() else { return };
    for deep in [false, true] {
        let report = verify(&Host(made.repo()), deep);
        assert!(report.findings.is_empty() && report.is_sound(), "{report:#?}");
        assert_eq!(report.mode.as_deref(), Some("bare"));
        assert_eq!((report.counts.refs, report.counts.commits, report.counts.unreachable), (1, 3, 0));
        assert_eq!(report.counts.unnamed_commits, 1);
        assert_eq!(report.counts.hashed_files, if deep { report.counts.files } else { 0 });
        assert_eq!(report.refs, [("main".to_owned(), made.second)]);
    }
    // What is in a tree has the checksum that its object has.
    let tree = Host(made.directory.path().join("tree"));
    for path in ["usr/bin/tool", "usr/share/text", "usr/share/nothing", "usr/link"] {
        let facts = tree.metadata(path.as_bytes()).unwrap().unwrap();
        assert_eq!(checksum_of_file(&tree, path.as_bytes(), &facts).unwrap(), made.object(path), "{path}");
    }
}

/// What is done to a copy of the repository.
type Damage = Box<dyn Fn(&Path)>;

fn flip(path: PathBuf, at: u64) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

fn cut(path: PathBuf, length: u64) {
    File::options().write(true).open(path).unwrap().set_len(length).unwrap();
}

#[test]
fn what_fsck_complains_of_is_found_and_what_it_does_not_is_not() {
    let Some(made) = made() else { return };
    let (tool, text, link) = (made.object("usr/bin/tool"), made.object("usr/share/text"), made.object("usr/link"));
    let (nothing, many) = (made.object("usr/share/nothing"), made.object("usr/share/many/7"));
    let (share, share_meta) = (made.directory("/usr/share", true), made.directory("/usr/share", false));
    let (root, bin_meta) = (made.directory("/", true), made.directory("/usr/bin", false));
    let (first, second) = (made.first, made.second);
    let attribute = |name: &'static str, value: &'static [u8]| -> Damage {
        Box::new(move |repo| {
            rustix::fs::lsetxattr(file(repo, &text, "file"), name, value, XattrFlags::empty()).unwrap();
        })
    };
    let mode = |object: Checksum, mode: u32| -> Damage {
        Box::new(move |repo| {
            fs::set_permissions(file(repo, &object, "file"), fs::Permissions::from_mode(mode)).unwrap()
        })
    };
    let swap = |a: Checksum, b: Checksum, suffix: &'static str| -> Damage {
        Box::new(move |repo| {
            let (a, b, c) = (file(repo, &a, suffix), file(repo, &b, suffix), repo.join("swap"));
            fs::rename(&a, &c).unwrap();
            fs::rename(&b, &a).unwrap();
            fs::rename(&c, &b).unwrap();
        })
    };
    let flipped = |object: Checksum, suffix: &'static str, at: u64| -> Damage {
        Box::new(move |repo| flip(file(repo, &object, suffix), at))
    };
    let removed = |object: Checksum, suffix: &'static str| -> Damage {
        Box::new(move |repo| fs::remove_file(file(repo, &object, suffix)).unwrap())
    };
    let short = |object: Checksum, suffix: &'static str, length: u64| -> Damage {
        Box::new(move |repo| cut(file(repo, &object, suffix), length))
    };
    let reference =
        |text: String| -> Damage { Box::new(move |repo| fs::write(repo.join("refs/heads/main"), &text).unwrap()) };
    let table: Vec<(&str, Damage, Vec<Checksum>, &str)> = vec![
        ("nothing", Box::new(|_| ()), vec![], ""),
        ("a byte of a file", flipped(tool, "file", 99_999), vec![tool], "/usr/bin/tool"),
        ("the first byte of a file", flipped(text, "file", 0), vec![text], "/usr/share/text"),
        ("a file cut short", short(tool, "file", 50_000), vec![tool], "/usr/bin/tool"),
        ("a file emptied", short(many, "file", 0), vec![many], "/usr/share/many/7"),
        ("a file grown", short(nothing, "file", 1), vec![nothing], "/usr/share/nothing"),
        ("a file gone", removed(tool, "file"), vec![tool], "/usr/bin/tool"),
        ("a link gone", removed(link, "file"), vec![link], "/usr/link"),
        ("a mode without setuid", mode(tool, 0o755), vec![tool], "/usr/bin/tool"),
        ("a mode with more", mode(text, 0o666), vec![text], "/usr/share/text"),
        (
            "another owner",
            Box::new(move |repo| chown(file(repo, &text, "file"), Some(1001), None).unwrap()),
            vec![text],
            "/usr/share/text",
        ),
        (
            "another group of a link",
            Box::new(move |repo| lchown(file(repo, &link, "file"), None, Some(7)).unwrap()),
            vec![link],
            "/usr/link",
        ),
        ("another value of an attribute", attribute("user.a", b"2"), vec![text], "/usr/share/text"),
        ("one attribute more", attribute("security.c", b"3"), vec![text], "/usr/share/text"),
        ("one attribute without a value more", attribute("user.c", b""), vec![], ""),
        (
            "one attribute less",
            Box::new(move |repo| rustix::fs::lremovexattr(file(repo, &text, "file"), "trusted.b").unwrap()),
            vec![text],
            "/usr/share/text",
        ),
        (
            "another target",
            Box::new(move |repo| {
                let path = file(repo, &link, "file");
                fs::remove_file(&path).unwrap();
                symlink("share/next", &path).unwrap();
                lchown(&path, Some(5), Some(6)).unwrap();
                rustix::fs::lsetxattr(&path, "trusted.l", b"link", XattrFlags::empty()).unwrap();
            }),
            vec![link],
            "/usr/link",
        ),
        (
            "a directory for a file",
            Box::new(move |repo| {
                fs::remove_file(file(repo, &many, "file")).unwrap();
                fs::create_dir(file(repo, &many, "file")).unwrap();
            }),
            vec![many],
            "/usr/share/many/7",
        ),
        ("files swapped", swap(tool, text, "file"), vec![tool, text], "/usr/bin/tool"),
        ("a name in a dirtree", flipped(share, "dirtree", 0), vec![share], "/usr/share"),
        ("a checksum in a dirtree", flipped(share, "dirtree", 20), vec![share], "/usr/share"),
        ("the end of a dirtree", short(share, "dirtree", 30), vec![share], "/usr/share"),
        ("a dirtree emptied", short(share, "dirtree", 0), vec![share], "/usr/share"),
        ("a dirtree gone", removed(share, "dirtree"), vec![share], "/usr/share"),
        ("the root's dirtree gone", removed(root, "dirtree"), vec![root], "/"),
        ("an owner in a dirmeta", flipped(share_meta, "dirmeta", 3), vec![share_meta], "/usr/share"),
        ("the type in a dirmeta", flipped(share_meta, "dirmeta", 9), vec![share_meta], "/usr/share"),
        ("an attribute in a dirmeta", flipped(share_meta, "dirmeta", 14), vec![share_meta], "/usr/share"),
        ("a dirmeta gone", removed(share_meta, "dirmeta"), vec![share_meta], "/usr/share"),
        ("a dirmeta cut short", short(share_meta, "dirmeta", 11), vec![share_meta], "/usr/share"),
        ("dirmetas swapped", swap(share_meta, bin_meta, "dirmeta"), vec![share_meta, bin_meta], ""),
        ("dirtrees swapped", swap(share, root, "dirtree"), vec![share, root], ""),
        ("a byte of a commit", flipped(second, "commit", 3), vec![second], ""),
        ("a commit cut short", short(second, "commit", 60), vec![second], ""),
        ("a commit emptied", short(second, "commit", 0), vec![second], ""),
        ("a byte of a parent", flipped(first, "commit", 9), vec![first], ""),
        ("commits swapped", swap(first, second, "commit"), vec![first, second], ""),
        ("a commit gone", removed(second, "commit"), vec![second], "refs/heads/main"),
        ("a parent gone", removed(first, "commit"), vec![], ""),
        ("a ref to nothing", reference(format!("{tool}\n")), vec![tool], "refs/heads/main"),
        ("a ref of another length", reference("abc\n".to_owned()), vec![], "refs/heads/main"),
        ("a ref in capitals", reference(format!("{second}\n").to_uppercase()), vec![], "refs/heads/main"),
        ("an empty ref", reference(String::new()), vec![], "refs/heads/main"),
        ("a ref without an end of line", reference(second.to_string()), vec![], ""),
        (
            "no refs/remotes",
            Box::new(|repo| fs::remove_dir_all(repo.join("refs/remotes")).unwrap()),
            vec![],
            "refs/remotes",
        ),
        ("no config", Box::new(|repo| fs::remove_file(repo.join("config")).unwrap()), vec![], "config"),
        ("another version", Box::new(|repo| config(repo, "[core]\nrepo_version=2\nmode=bare\n")), vec![], "config"),
        ("another mode", Box::new(|repo| config(repo, "[core]\nrepo_version=1\nmode=none\n")), vec![], "config"),
        ("no key file", Box::new(|repo| config(repo, "core\n")), vec![], "config"),
        (
            "files that nobody needs",
            Box::new(move |repo| {
                let body = fs::read(file(repo, &text, "file")).unwrap();
                fs::write(file(repo, &text, "file").with_extension("x"), &body).unwrap();
                fs::create_dir(repo.join("tmp/staging-left")).unwrap();
                fs::write(file(repo, &second, "file"), "not needed").unwrap();
            }),
            vec![],
            "",
        ),
        (
            "a partial commit",
            Box::new(move |repo| {
                fs::write(repo.join(format!("state/{second}.commitpartial")), "").unwrap();
                fs::remove_file(file(repo, &made_only_in_second(repo), "file")).unwrap();
            }),
            vec![],
            "",
        ),
    ];
    for (number, (name, damage, objects, path)) in table.iter().enumerate() {
        let repo = made.copy(number);
        damage(&repo);
        let report = verify(&Host(repo.clone()), true);
        let (clean, text) = run("ostree", Command::new("ostree").args(["fsck", "--all", "--repo"]).arg(&repo));
        assert_eq!(report.is_sound(), clean, "{name}: ostree fsck says {text}\nand we {report:#?}");
        let found = named(&report);
        let (theirs, computed) = complaints(&text);
        for object in objects.iter().chain(&theirs) {
            assert!(clean || found.contains(object), "{name}: {object}: ostree fsck says {text}\nand we {report:#?}");
        }
        for checksum in computed {
            let ours = report.findings.iter().any(|finding| finding.found == checksum.to_string());
            assert!(ours, "{name}: {checksum}: ostree fsck says {text}\nand we {report:#?}");
        }
        if !path.is_empty() {
            let paths: Vec<_> = report.findings.iter().map(|finding| String::from_utf8_lossy(&finding.path)).collect();
            assert!(paths.iter().any(|found| found == path), "{name}: {path}: {report:#?}");
        }
        let errors = report.findings.iter().filter(|finding| finding.severity == Severity::Error);
        assert!(errors.clone().all(|finding| finding.found != finding.expected), "{name}: {report:#?}");
        fs::remove_dir_all(&repo).unwrap();
    }
}

fn config(repo: &Path, text: &str) {
    fs::write(repo.join("config"), text).unwrap();
}

/// The object of a file that the first commit does not have.
fn made_only_in_second(repo: &Path) -> Checksum {
    let text = ostree(repo, &["ls", "-C", "main", "/usr/new"]);
    names(&text).into_iter().next().unwrap()
}

#[test]
fn without_deep_files_only_have_to_be_there() {
    let Some(made) = made() else { return };
    let tool = made.object("usr/bin/tool");
    let repo = made.copy(0);
    flip(file(&repo, &tool, "file"), 5);
    assert!(verify(&Host(repo.clone()), false).is_sound());
    fs::remove_file(file(&repo, &tool, "file")).unwrap();
    let report = verify(&Host(repo), false);
    assert_eq!(named(&report), BTreeSet::from([tool]));
    assert_eq!((report.findings.len(), report.findings[0].path.as_slice()), (1, &b"/usr/bin/tool"[..]));
}

#[test]
fn notes_are_counted() {
    let Some(made) = made() else { return };
    let repo = made.copy(0);
    fs::write(file(&repo, &made.first, "file"), "not needed").unwrap();
    fs::write(repo.join("objects/00-none"), "").unwrap();
    fs::write(repo.join("tmp/left"), "").unwrap();
    fs::write(repo.join(format!("state/{}.commitpartial", made.second)), "").unwrap();
    fs::remove_file(file(&repo, &made.first, "commit")).unwrap();
    let report = verify(&Host(repo), false);
    assert!(report.is_sound(), "{report:#?}");
    let counts = report.counts;
    assert_eq!((counts.foreign, counts.temporary, counts.partial_commits, counts.missing_parents), (1, 1, 1, 1));
    assert!(counts.unreachable >= 1, "{counts:?}");
}

#[test]
fn no_bytes_of_a_metadata_object_keep_it_busy() {
    let Some(made) = made() else { return };
    let repo = made.copy(0);
    let (tree, meta) = (made.directory("/usr/share", true), made.directory("/usr/share", false));
    for (object, suffix) in [(tree, "dirtree"), (meta, "dirmeta"), (made.second, "commit")] {
        let path = file(&repo, &object, suffix);
        let good = fs::read(&path).unwrap();
        for round in 0..300_usize {
            let mut bad = good.clone();
            for step in 0..3_usize {
                let spread = (round * 3 + step).wrapping_mul(2_654_435_761);
                let at = spread % bad.len();
                bad[at] = u8::try_from(spread >> 11 & 0xff).unwrap();
            }
            fs::write(&path, &bad).unwrap();
            let report = verify(&Host(repo.clone()), false);
            assert!(bad == good || named(&report).contains(&object), "{suffix} {round}: {report:#?}");
        }
        fs::write(&path, &good).unwrap();
    }
}
