//! The checksum of the medium, held against `implantisomd5` and `checkisomd5`.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use builder_iso9660::media_check::{MediaCheckError, Release, Verdict, check, implant};
use builder_iso9660::{Boot, Options, Tree};

use crate::judge::{everything, image, options, run, tree, write};

/// Exit status of `checkisomd5`, and what it says.
fn checkisomd5(image: &Path) -> (bool, String) {
    let output = Command::new("checkisomd5").arg("--verbose").arg(image).output();
    let output = output.unwrap_or_else(|error| panic!("checkisomd5: {error}; install the Debian package `isomd5sum`"));
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn verdict(path: &Path) -> Verdict {
    check(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_checksum_is_the_one_of_implantisomd5() {
    let image = image(&everything(), &options());
    assert_eq!(verdict(image.path()), Verdict::None);
    let theirs = tempfile::NamedTempFile::new().unwrap();
    for (release, arguments) in
        [(Release::Supported, &["--force", "--supported-iso"][..]), (Release::Unsupported, &["--force"])]
    {
        fs::copy(image.path(), theirs.path()).unwrap();
        run("isomd5sum", Command::new("implantisomd5").args(arguments).arg(theirs.path()));
        implant(&mut image.reopen().unwrap(), release).unwrap();
        assert!(fs::read(image.path()).unwrap() == fs::read(theirs.path()).unwrap(), "{release:?}");
        let (passed, said) = checkisomd5(image.path());
        assert!(passed, "{said}");
        let Verdict::Intact { md5 } = verdict(image.path()) else { panic!("it is intact") };
        assert!(said.contains(&md5), "{said}");
    }
}

#[test]
fn damage_is_found_and_its_repair_too() {
    let image = image(&everything(), &options());
    implant(&mut image.reopen().unwrap(), Release::Supported).unwrap();
    let length = fs::metadata(image.path()).unwrap().len();
    for at in [0, 100_000, length / 2, length - 16 * 2048] {
        let mut byte = [0];
        image.as_file().read_exact_at(&mut byte, at).unwrap();
        image.as_file().write_all_at(&[byte[0] ^ 1], at).unwrap();
        let Verdict::Damaged { before } = verdict(image.path()) else { panic!("the damage at {at} is not found") };
        // 20 fragments, each ending with a piece of 32 KiB.
        assert!(before > at && before < at + length / 20 + 65536, "{at} {before}");
        assert!(!checkisomd5(image.path()).0);
        image.as_file().write_all_at(&byte, at).unwrap();
        assert!(matches!(verdict(image.path()), Verdict::Intact { .. }));
    }
    // What is edited gets a new checksum.
    image.as_file().write_all_at(b"edited", 200_000).unwrap();
    implant(&mut image.reopen().unwrap(), Release::Supported).unwrap();
    assert!(checkisomd5(image.path()).0);
}

#[test]
fn a_small_image_passes_as_well() {
    // Fewer pieces of 32 KiB than fragments.
    let small = Options { boot: Boot::default(), ..options() };
    let image = write(&builder_iso9660::Image::plan(&Tree::new(), &small).unwrap());
    implant(&mut image.reopen().unwrap(), Release::Supported).unwrap();
    let (passed, said) = checkisomd5(image.path());
    assert!(passed, "{said}");
    assert!(matches!(verdict(image.path()), Verdict::Intact { .. }));
}

#[test]
fn no_number_of_the_text_is_believed() {
    let small = Options { boot: Boot::default(), ..options() };
    let image = write(&builder_iso9660::Image::plan(&tree(&everything()), &small).unwrap());
    implant(&mut image.reopen().unwrap(), Release::Supported).unwrap();
    let good = fs::read(image.path()).unwrap();
    let text = String::from_utf8(good[33_651..33_651 + 512].to_vec()).unwrap();
    for (from, to, words) in [
        ("SKIPSECTORS = 15", "SKIPSECTORS = -1", "number of blocks to skip \"-1\""),
        ("SKIPSECTORS = 15;RHLISOSTATUS", "SKIPSECTORS = 99999999;RHLI", "of which the last 99999999 do not count"),
        ("FRAGMENT COUNT = 20", "FRAGMENT COUNT = 61", "the fragment count \"61\", which cannot be"),
        ("ISO MD5SUM = ", "ISO MD5SUM = z", "has the sum \"z"),
    ] {
        assert!(text.contains(from));
        let mut changed = text.replace(from, to).into_bytes();
        changed.resize(512, b' ');
        let mut bytes = good.clone();
        bytes[33_651..33_651 + 512].copy_from_slice(&changed);
        let error = check(&bytes).unwrap_err().to_string();
        assert!(error.contains(words), "{error}\nlacks\n{words}");
    }
    let mut shorter = good.clone();
    shorter.truncate(good.len() - 1);
    assert!(matches!(check(&shorter), Err(MediaCheckError::Truncated { .. })));
    for bytes in [Vec::<u8>::new(), vec![0; 100_000]] {
        assert!(matches!(check(&bytes), Err(MediaCheckError::NoVolume { at: 32768 })));
    }
    image.as_file().write_all_at(b"something else", 33_651).unwrap();
    assert!(matches!(implant(&mut image.reopen().unwrap(), Release::Supported), Err(MediaCheckError::InUse)));
}
