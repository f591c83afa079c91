//! What modules say of themselves.

use std::fs;
use std::path::Path;

use builder_kmod::{Machine, ModuleInfo, SignatureKind};
use builder_tree::{Content, FileTree, Inode, Metadata};

use crate::made::{Kernel, strings};
use crate::tools::{modinfo, run};

fn read(file: &Path) -> ModuleInfo {
    let name = file.file_name().unwrap().to_str().unwrap();
    let inode = Inode::regular(Metadata::root(0o644), Content::bytes(fs::read(file).unwrap()));
    let mut tree = FileTree::new();
    tree.insert(name.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
    ModuleInfo::read(&tree, name).unwrap()
}

fn described(kernel: &Kernel) -> std::path::PathBuf {
    let fields = [
        "license=GPL v2",
        "author=Jemand",
        "alias=pci:v*d*",
        "alias=a=b",
        "firmware=some/firm-ware.bin",
        "firmware=other*.bin",
        "depends=other,mod-ule",
        "softdep=pre: x post: y",
        "name=described",
        "vermagic=6.1.0-test SMP preempt mod_unload modversions ",
        "parm=debug:how much (int)",
    ];
    kernel.module("described", &[], &strings(&fields))
}

#[test]
fn fields_are_those_of_modinfo_in_every_packing() {
    let kernel = Kernel::new();
    let plain = described(&kernel);
    let module = fs::read(&plain).unwrap();
    let mut expected = None;
    for (ending, package, words) in [
        ("", "", &[][..]),
        (".xz", "xz-utils", &["xz", "-c", "--check=crc32", "--lzma2=dict=1MiB"]),
        (".zst", "zstd", &["zstd", "-q", "-c", "-19"]),
        (".gz", "gzip", &["gzip", "-c"]),
    ] {
        let packed = if words.is_empty() { module.clone() } else { run(package, words, &module) };
        let file = plain.with_extension(format!("ko{ending}"));
        fs::write(&file, packed).unwrap();
        let info = read(&file);
        // Debian's kmod is made without zlib.
        for field in ["license", "author", "alias", "firmware", "depends", "softdep", "name", "vermagic", "parm"] {
            if ending != ".gz" {
                assert_eq!(info.fields.all(field).collect::<Vec<_>>(), modinfo(field, &file), "{ending} {field}");
            }
        }
        assert_eq!(*expected.get_or_insert_with(|| info.clone()), info, "{ending}");
        assert_eq!(info.depends(), ["other", "mod_ule"]);
    }
}

#[test]
fn a_module_is_for_the_machine_of_its_assembler() {
    let kernel = Kernel::new();
    let own = match std::env::consts::ARCH {
        "x86_64" => Machine::X86_64,
        "aarch64" => Machine::Aarch64,
        other => panic!("no machine is known for {other}"),
    };
    let info = read(&described(&kernel));
    assert_eq!(info.machine(), Some(own));
    assert_eq!(info.disagreements("described.ko", "6.1.0-test", own), []);
}

#[test]
fn the_signer_is_the_one_of_modinfo() {
    let kernel = Kernel::new();
    let file = described(&kernel);
    let (key, certificate) = (kernel.root().join("key.pem"), kernel.root().join("certificate.pem"));
    let (key, certificate) = (key.to_str().unwrap(), certificate.to_str().unwrap());
    let subject = "/O=Some Organization/CN=Build time key of a test";
    let request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", subject];
    run("openssl", &[&["openssl"][..], &request, &["-keyout", key, "-out", certificate]].concat(), &[]);
    let module = fs::read(&file).unwrap();
    // As scripts/sign-file of the kernel's build.
    let sign = ["cms", "-sign", "-binary", "-nocerts", "-noattr", "-nosmimecap", "-md", "sha256", "-outform", "DER"];
    let signature =
        run("openssl", &[&["openssl"][..], &sign, &["-signer", certificate, "-inkey", key]].concat(), &module);
    let size = u32::try_from(signature.len()).unwrap();
    let descriptor = [0, 0, 2, 0, 0, 0, 0, 0];
    let parts: [&[u8]; 5] = [&module, &signature, &descriptor, &size.to_be_bytes(), b"~Module signature appended~\n"];
    fs::write(&file, parts.concat()).unwrap();

    let found = read(&file).signature.unwrap();
    assert_eq!((found.kind, found.signed_bytes), (SignatureKind::Pkcs7, module.len() as u64));
    assert_eq!(found.signer.as_deref(), Some("Build time key of a test"));
    assert_eq!(modinfo("signer", &file), ["Build time key of a test"]);
}
