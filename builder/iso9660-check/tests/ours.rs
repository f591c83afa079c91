//! What our own writer makes is right in the eyes of this crate, which has nothing of it.

use builder_block::{FilesystemImage as _, SparseFile};
use builder_iso9660::{BiosBoot, Boot, Content, Hybrid, Image, Metadata, Options, Tree, Uuid, Volume, media_check};
use builder_iso9660_check::{Found, Level, MediaSum, Names, Platform, check};

fn image() -> Vec<u8> {
    let mut tree = Tree::new();
    let file = |length: usize| Content::bytes(vec![b'x'; length]);
    let deep = vec!["deep"; 20].join("/");
    let directories = (1..=20).map(|depth| vec!["deep"; depth].join("/"));
    for path in directories.chain(["boot", "live", "many"].map(str::to_owned)) {
        tree.directory(&path, Metadata::root(0o755)).unwrap();
    }
    for (path, length) in
        [("boot/bios.img".to_owned(), 30_001), ("live/empty".to_owned(), 0), (format!("{deep}/f"), 5000)]
    {
        tree.file(&path, Metadata::root(0o644), file(length)).unwrap();
    }
    for number in 0..200 {
        let path = format!("many/with a long name that differs late-{number:03}.txt");
        tree.file(&path, Metadata::root(0o644), file(number)).unwrap();
    }
    tree.symlink("boot/long", Metadata::root(0o777), vec!["component"; 90].join("/")).unwrap();
    tree.symlink("boot/link", Metadata::root(0o777), format!("/{deep}/f")).unwrap();
    let guid = |number: u128| Uuid::from_u128(0x1234_5678_9abc_5def_8000_0000_0000_0000 + number);
    let bios = BiosBoot { path: "boot/bios.img".into(), load_sectors: 4, info_table: true, grub: false };
    let hybrid = Hybrid { disk: guid(0), data: guid(1), esp: guid(2), boot_code: None };
    let options = Options {
        volume: Volume { id: "OURS".into(), ..Volume::default() },
        time: 1_700_000_000,
        joliet: true,
        boot: Boot { bios: Some(bios), uefi: Some(file(1 << 20)), hybrid: Some(hybrid) },
    };
    let image = Image::plan(&tree, &options).unwrap();
    let written = tempfile::NamedTempFile::new().unwrap();
    let mut device = SparseFile::new(written.reopen().unwrap(), image.size()).unwrap();
    image.write_to(&mut device).unwrap();
    drop(device);
    let mut file = std::fs::File::options().read(true).write(true).open(written.path()).unwrap();
    media_check::implant(&mut file, media_check::Release::Supported).unwrap();
    std::fs::read(written.path()).unwrap()
}

#[test]
fn our_own_media_are_clean_as_a_whole_and_from_their_first_partition_on() {
    let image = image();
    // Where the GPT has the first sector of its first entry.
    let sector = u64::from_le_bytes(*image[2 * 512 + 32..].first_chunk().unwrap());
    let partition = image[usize::try_from(sector).unwrap() * 512..].to_vec();
    for (what, image, boots) in [("whole", image, 2), ("partition", partition, 0)] {
        let report = check(&image, Level::Sum).unwrap();
        let texts: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
        assert!(report.is_clean(), "{what}: {texts:#?}");
        let volume = report.volume.as_ref().unwrap();
        assert_eq!((volume.id.as_str(), volume.has_joliet, report.tree.names), ("OURS", true, Names::RockRidge));
        assert_eq!((volume.files, volume.directories), (203, 23), "{what}");
        let Some(Found::File(found)) = report.tree.find(b"/boot/link") else { panic!("{what}") };
        assert_eq!(found.read(&image, 5000).unwrap(), vec![b'x'; 5000]);
        assert_eq!(report.boot_images.len(), boots, "{what}");
        if what == "whole" {
            assert!(matches!(report.media_sum, MediaSum::Right(_)));
            let platforms: Vec<_> = report.boot_images.iter().map(|image| image.platform).collect();
            assert_eq!(platforms, [Platform::Bios, Platform::Efi]);
        }
    }
}
