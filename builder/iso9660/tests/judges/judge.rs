//! The tree that is judged, the image made of it, and the tools that judge.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use builder_block::{FilesystemImage as _, SparseFile};
use builder_iso9660::{BiosBoot, Boot, BootCode, Content, Hybrid, Image, Metadata, Options, Tree, Uuid, Volume};
use tempfile::NamedTempFile;

/// The time of everything: 2023-11-14 22:13:20 UTC.
pub(crate) const TIME: u64 = 1_700_000_000;
pub(crate) const GRUB_IMAGE: &str = "boot/grub/i386-pc/eltorito.img";
/// Sectors of the ESP are not whole blocks.
pub(crate) const ESP_SIZE: usize = (1 << 20) + 512;

/// Runs a tool; what it prints, complaints included.
pub(crate) fn run(package: &str, command: &mut Command) -> String {
    let name = command.get_program().to_string_lossy().into_owned();
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = match command.env("PATH", path).env("LC_ALL", "C.UTF-8").env("TZ", "UTC").output() {
        Ok(output) => output,
        Err(error) => panic!("{name}: {error}; install the Debian package `{package}`"),
    };
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{name}: {text}{errors}");
    // Enough to see what is wrong: some tools repeat themselves for every file.
    let errors: String = errors.chars().take(2000).collect();
    for word in ["FAILURE", "SORRY", "WARNING", "Warning", "FATAL", "Damaged", "Truncated"] {
        assert!(!errors.contains(word), "{name}: {errors}");
    }
    text
}

pub(crate) fn xorriso(image: &Path, arguments: &[&str]) -> String {
    run("xorriso", Command::new("xorriso").arg("-indev").arg(image).args(arguments))
}

/// What is at a path: permissions and owners, and what is there.
#[derive(Clone)]
pub(crate) struct Spec {
    pub(crate) metadata: Metadata,
    pub(crate) is: Is,
}

#[derive(Clone)]
pub(crate) enum Is {
    Directory,
    /// What is put in, and the bytes that have to come out.
    File(Content, Vec<u8>),
    Symlink(String),
}

pub(crate) type Specs = BTreeMap<String, Spec>;

fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 7 + at / 251 + seed) % 256).unwrap()).collect()
}

/// One of everything that Joliet can hold.
pub(crate) fn everything() -> Specs {
    let mut specs = Specs::new();
    let mut add = |path: &str, mode, uid, gid, is| {
        specs.insert(path.to_owned(), Spec { metadata: Metadata { mode, uid, gid }, is });
    };
    let bytes = |bytes: Vec<u8>| Is::File(Content::bytes(bytes.clone()), bytes);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&pattern(3_000_000, 1)).unwrap();
    let range = Content::Range { file: Arc::new(file), offset: 1_000_001, length: 1_500_000 };
    let reserved = Content::Reserved { begin: b"begin".to_vec().into(), length: 100_000 };
    let mut room = vec![0; 100_000];
    room[..5].copy_from_slice(b"begin");
    for (path, mode, content) in [
        ("EFI/BOOT/BOOTX64.EFI", 0o644, bytes(pattern(100_000, 2))),
        ("boot/grub/grub.cfg", 0o644, bytes(b"menuentry\n".to_vec())),
        (GRUB_IMAGE, 0o644, bytes(pattern(30_001, 3))),
        ("install/disk.raw", 0o400, Is::File(range, pattern(3_000_000, 1)[1_000_001..2_500_001].to_vec())),
        ("install/room.img", 0o644, Is::File(reserved, room)),
        ("empty", 0o600, bytes(Vec::new())),
        ("setuid", 0o4755, bytes(b"x".to_vec())),
        ("block", 0o644, bytes(pattern(2048, 4))),
        ("names/UPPER.TXT", 0o644, bytes(b"upper".to_vec())),
        ("names/upper.txt", 0o644, bytes(b"lower".to_vec())),
        ("names/\u{e4} \u{2603} with spaces", 0o644, bytes(b"snow".to_vec())),
        ("names/.hidden", 0o644, bytes(b"hidden".to_vec())),
    ] {
        add(path, mode, 0, 0, content);
    }
    add(&format!("names/{}", "n".repeat(64)), 0o644, 4_000_000_000, 70_000, bytes(b"owned".to_vec()));
    add(&format!("{}/file", vec!["deep"; 20].join("/")), 0o644, 0, 0, bytes(b"deep".to_vec()));
    for number in 0..300 {
        let name = format!("many/with a long name that differs late-{number:03}.txt");
        add(&name, 0o644, number, 0, bytes(number.to_string().into_bytes()));
    }
    for (name, target) in [
        ("short", "../boot/grub/grub.cfg".to_owned()),
        ("absolute", "/EFI".into()),
        ("dots", "./../../x".into()),
        ("root", "/".into()),
        ("one", "o".repeat(900)),
        ("long", vec!["component"; 90].join("/")),
    ] {
        add(&format!("links/{name}"), 0o777, 0, 0, Is::Symlink(target));
    }
    for number in 0..60 {
        let target = vec![format!("part{number}"); 10 + usize::try_from(number).unwrap() * 2].join("/");
        add(&format!("links/more/{number}"), 0o777, 0, number, Is::Symlink(target));
    }
    for (path, mode) in [
        ("EFI", 0o755),
        ("EFI/BOOT", 0o755),
        ("boot", 0o755),
        ("boot/grub", 0o755),
        ("boot/grub/i386-pc", 0o755),
        ("install", 0o700),
        ("links", 0o755),
        ("links/more", 0o755),
        ("many", 0o755),
        ("names", 0o755),
        ("tmp", 0o1777),
    ] {
        add(path, mode, 0, 0, Is::Directory);
    }
    for depth in 1..=20 {
        add(&vec!["deep"; depth].join("/"), 0o755, 0, 0, Is::Directory);
    }
    specs
}

/// Beside it names that only Rock Ridge holds.
pub(crate) fn without_joliet() -> Specs {
    let mut specs = everything();
    for name in ["r".repeat(253), "q".repeat(250), "colon:b*?".into(), "\u{1f4be}".into()] {
        let is = Is::File(Content::bytes(*b"rock"), b"rock".to_vec());
        specs.insert(name, Spec { metadata: Metadata::root(0o644), is });
    }
    specs
}

/// And links to where xorriso does not look any more.
pub(crate) fn far() -> Specs {
    let mut specs = without_joliet();
    let mut add = |path: String, target| {
        specs.insert(path, Spec { metadata: Metadata::root(0o777), is: Is::Symlink(target) });
    };
    add("s".repeat(253), format!("/{}", vec!["t".repeat(255); 15].join("/")));
    add("links/longest".into(), "l".repeat(4095));
    for number in 0..60 {
        add(format!("links/far/{number}"), vec![format!("part{number}"); 10 + number * 7].join("/"));
    }
    let is = Is::Directory;
    specs.insert("links/far".into(), Spec { metadata: Metadata::root(0o755), is });
    specs
}

pub(crate) fn tree(specs: &Specs) -> Tree {
    let mut tree = Tree::new();
    for (path, Spec { metadata, is }) in specs {
        match is {
            Is::Directory => tree.directory(path, *metadata),
            Is::File(content, _) => tree.file(path, *metadata, content.clone()),
            Is::Symlink(target) => tree.symlink(path, *metadata, target.as_str()),
        }
        .unwrap();
    }
    tree
}

pub(crate) fn guid(number: u128) -> Uuid {
    Uuid::from_u128(0x1234_5678_9abc_5def_8000_0000_0000_0000 + number)
}

/// With everything that can be asked for.
pub(crate) fn options() -> Options {
    let bios = BiosBoot { path: GRUB_IMAGE.into(), load_sectors: 4, info_table: true, grub: true };
    let boot_code = Some(BootCode::Grub(vec![0x90; 512]));
    Options {
        volume: Volume {
            id: "INSTALLER_1".into(),
            system: "LINUX".into(),
            set: "SET_1".into(),
            publisher: "THE PUBLISHER, INC.".into(),
            preparer: "THE PREPARER".into(),
            application: "INSTALLER (1.0)".into(),
        },
        time: TIME,
        joliet: true,
        boot: Boot {
            bios: Some(bios),
            uefi: Some(Content::bytes(pattern(ESP_SIZE, 9))),
            hybrid: Some(Hybrid { disk: guid(0), data: guid(1), esp: guid(2), boot_code }),
        },
    }
}

/// Writes a plan to a file.
pub(crate) fn write(image: &Image) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    let mut device = SparseFile::new(file.reopen().unwrap(), image.size()).unwrap();
    image.write_to(&mut device).unwrap();
    file
}

pub(crate) fn image(specs: &Specs, options: &Options) -> NamedTempFile {
    write(&Image::plan(&tree(specs), options).unwrap())
}

/// The bytes of a file after GRUB's boot image was told of itself: not to be compared.
pub(crate) fn comparable(path: &str, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if path == GRUB_IMAGE && bytes.len() > 2556 {
        bytes[8..64].fill(0);
        bytes[2548..2556].fill(0);
    }
    bytes
}
