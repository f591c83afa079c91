//! `grub-mkimage` of Debian makes the same image of the same pieces, but for how LZMA was searched.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use builder_grub_core::{CoreError, FOLDER, IMAGES, Pieces};
use liblzma::stream::{Action, Filters, LzmaOptions, Stream};

/// What a medium needs, and more.
const MODULES: &[&str] =
    &["iso9660", "biosdisk", "part_gpt", "normal", "linux", "search_fs_file", "serial", "all_video"];

fn piece(name: &str) -> Option<Vec<u8>> {
    let folder = Path::new("/").join(FOLDER);
    assert!(folder.is_dir(), "no {}; install the Debian package `grub-pc-bin`", folder.display());
    fs::read(folder.join(name)).ok()
}

fn gather(modules: &[&str]) -> Pieces {
    Pieces::gather(modules, &mut |name| Ok(piece(name))).unwrap()
}

fn mkimage(modules: &[&str], configuration: &str, prefix: &str) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("first.cfg"), configuration).unwrap();
    let mut command = Command::new("grub-mkimage");
    command.args(["-O", "i386-pc-eltorito", "-d"]).arg(Path::new("/").join(FOLDER));
    command.arg("-o").arg(at("image")).args(["-p", prefix]);
    if !configuration.is_empty() {
        command.arg("-c").arg(at("first.cfg"));
    }
    let output = command.args(modules).output().unwrap_or_else(|error| {
        panic!("grub-mkimage: {error}; install the Debian package `grub-common`");
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(at("image")).unwrap()
}

/// An image taken apart: what is in front of the decompressor with its length of the rest as 0, the decompressor with its
/// two lengths as 0, and what was compressed.
fn taken_apart(image: &[u8]) -> [Vec<u8>; 3] {
    const DECOMPRESSOR: usize = 2560;
    let number = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap()) as usize;
    let (packed, plain) = (number(DECOMPRESSOR + 8), number(DECOMPRESSOR + 12));
    let start = image.len() - packed;
    let sectors = u16::from_le_bytes(image[2556..2558].try_into().unwrap());
    assert_eq!(usize::from(sectors), (image.len() - DECOMPRESSOR).div_ceil(512));
    let mut options = LzmaOptions::new_preset(6).unwrap();
    options.dict_size(1 << 16);
    let mut filters = Filters::new();
    filters.lzma1(&options);
    // Told to stop behind so many bytes, as the decompressor is.
    let (mut stream, mut out) = (Stream::new_raw_decoder(&filters).unwrap(), vec![0; plain]);
    let _ = stream.process(&image[start..], &mut out, Action::Run).unwrap();
    assert_eq!(stream.total_out(), plain as u64);
    let mut front = image[..start].to_vec();
    front[2556..2558].fill(0);
    front[DECOMPRESSOR + 8..DECOMPRESSOR + 16].fill(0);
    let decompressor = front.split_off(DECOMPRESSOR);
    [front, decompressor, out]
}

#[test]
fn an_image_is_the_one_of_grub_mkimage_when_taken_apart() {
    for (modules, configuration, prefix) in [
        (MODULES, "search.file /a root\nset prefix=($root)/boot/grub\n", "/boot/grub"),
        (&["biosdisk", "minicmd"], "", "(hd0,gpt1)/g"),
        // Lengths that are multiples of four bytes, and one below and above.
        (&["test"], "echo 12\n", "/abcdefg"),
        (&["test"], "echo 1\n", "/abcdef"),
        (&["test"], "echo 123\n", "/abcdefgh"),
    ] {
        let ours = gather(modules).disc_image(configuration, prefix).unwrap();
        let theirs = mkimage(modules, configuration, prefix);
        for (index, (ours, theirs)) in taken_apart(&ours).into_iter().zip(taken_apart(&theirs)).enumerate() {
            assert!(ours == theirs, "part {index} differs, with {modules:?}");
        }
        assert!(ours.len() < theirs.len() + theirs.len() / 20, "{} bytes, {} theirs", ours.len(), theirs.len());
        assert!(gather(modules).disc_image(configuration, prefix).unwrap() == ours, "the same again");
    }
}

#[test]
fn what_is_needed_comes_along_and_in_front() {
    let pieces = gather(&["normal"]);
    let names: Vec<_> = pieces.modules().collect();
    let place = |name: &str| names.iter().position(|found| *found == name).unwrap();
    assert_eq!(names.last(), Some(&"normal"));
    assert!(place("extcmd") < place("normal") && place("boot") < place("normal"), "{names:?}");
    assert_eq!(pieces.boot_code(), piece("boot_hybrid.img").unwrap());
}

/// All pieces of a small image.
fn small() -> BTreeMap<String, Vec<u8>> {
    let modules = gather(&["echo"]);
    let names = modules.modules().map(|name| format!("{name}.mod")).chain(IMAGES.map(str::to_owned));
    names.map(|name| (name.clone(), piece(&name).unwrap())).collect()
}

fn refused(pieces: &BTreeMap<String, Vec<u8>>) -> String {
    let gathered = Pieces::gather(&["echo"], &mut |name| Ok(pieces.get(name).cloned()));
    gathered.err().map_or(String::new(), |error| error.to_string())
}

#[test]
fn a_piece_that_is_missing_or_wrong_is_named() {
    let all = small();
    assert_eq!(refused(&all), "");
    for name in all.keys() {
        let mut without = all.clone();
        without.remove(name);
        let error = refused(&without);
        assert!(error.starts_with(&format!("GRUB for a BIOS lacks {name}")), "{error}");
        // Cut off, and far too long.
        for length in [all[name].len() / 2, 0, (1 << 20) + 1] {
            let mut changed = all.clone();
            changed.get_mut(name).unwrap().resize(length, 0);
            let error = refused(&changed);
            // Half of a module is one that GRUB finds out about, and half of a list lacks lines.
            if !(name.ends_with(".mod") || name == "moddep.lst" || name == "lzma_decompress.img")
                || length != all[name].len() / 2
            {
                assert!(error.contains(name.as_str()), "{name}, {length}: {error}");
            }
        }
    }
    for (name, at, words) in [
        ("kernel.img", 18, "kernel.img of GRUB for a BIOS cannot be used: its machine is 252, and 3 is expected"),
        ("kernel.img", 62, "a part of it is 60536 bytes from 0xff9000 on, and 0x9000 to 0x68000 is expected"),
        ("kernel.img", 70, "a part of it is 16741544 bytes from 0x9000 on"),
        ("kernel.img", 58, "its length is 30268, and more, for what its headers say is expected"),
        ("kernel.img", 30, "its length is"),
        ("kernel.img", 44, "its number of program headers is 253, and at most 16 is expected"),
        ("echo.mod", 16, "echo.mod of GRUB for a BIOS cannot be used: its type of ELF is 254, and 1 is expected"),
        ("diskboot.img", 511, "the segment that it loads to is 0xf720, and 0x820 is expected"),
        ("boot_hybrid.img", 510, "its last bytes is aa aa, and 55 aa is expected"),
    ] {
        let mut changed = all.clone();
        changed.get_mut(name).unwrap()[at] ^= 0xFF;
        let error = refused(&changed);
        assert!(error.contains(words), "{name}, byte {at}: {error}");
    }
    let error = Pieces::gather(&["echo"], &mut |_| Err(std::io::Error::other("no"))).err().unwrap();
    assert!(matches!(error, CoreError::Read { .. }), "{error}");
}

#[test]
fn what_does_not_fit_into_memory_is_refused() {
    let mut seed = 1_u32;
    // What cannot be compressed.
    let mut noise = |length: usize| -> String {
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b' ' + u8::try_from(seed >> 24).unwrap() % 90)
        };
        (0..length).map(|_| next()).collect()
    };
    let error = gather(&["echo"]).disc_image(&noise(600_000), "/").err().unwrap();
    assert!(matches!(error, CoreError::TooLarge { limit: 454_656, .. }), "{error}");
}
