//! What becomes of programs while Secure Boot is on.

use diskwright_tests::fixture::Layer;

use crate::lint::images::{GRUB, over, without};
use crate::lint::programs::{booting, changed, grub, program, shim, stricter, without_sbat};
use crate::lint::reports::{found, report};

#[test]
fn secure_boot_is_foretold_for_each_program() {
    const KERNEL: &str = "/usr/lib/modules/6.12.1/vmlinuz";
    let signed = || program("/usr/lib/shim/fbx64.efi.signed", "shim-helpers-amd64-signed");
    let unsigned = || program("/usr/lib/systemd/boot/efi/systemd-bootx64.efi", "systemd-boot-efi");
    let unsigned_shim = || program("/usr/lib/shim/shimx64.efi", "shim-unsigned");
    let kernel = |layer: Layer, kernel: &[u8]| over(layer.file(&KERNEL[1..], 0o644, kernel));
    let [shim_path, grub_path] =
        ["/usr/lib/shim/shimx64.efi.signed", "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"];
    let systemd = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi";
    let by_systemd = without(Layer::new(), GRUB).file(&systemd[1..], 0o644, &unsigned());
    let directory = tempfile::tempdir().unwrap();
    for (at, (image, expected, broken)) in [
        (
            kernel(booting(&shim(), &grub()), &signed()),
            &[
                (
                    shim_path,
                    &["keys starts shim, with Microsoft", "UEFI CA", "itself it trusts Debian Secure Boot CA"][..],
                ),
                (grub_path, &["shim lets GRUB start", "for whom Debian Secure Boot CA vouches (SBAT: grub "]),
                (KERNEL, &["shim lets the kernel start", "for whom Debian Secure Boot CA vouches"]),
            ][..],
            &[][..],
        ),
        (
            kernel(booting(&shim(), &changed(grub())), &unsigned()),
            &[
                (grub_path, &["shim refuses GRUB", "it was changed after it was signed", "as MOK, or the SHA-256 "]),
                (KERNEL, &["shim refuses the kernel: it is not signed", "as MOK, or the SHA-256 "]),
            ],
            &[grub_path, KERNEL],
        ),
        (
            over(booting(&shim(), &without_sbat(grub()))),
            &[(grub_path, &["shim refuses GRUB, whoever signed it: it has no SBAT section"])],
            &[grub_path],
        ),
        (
            over(booting(&stricter(shim(), 1), &grub())),
            &[(
                grub_path,
                &["shim lets GRUB start", "SBAT revokes it where the latest level is set: the component grub"],
            )],
            &[],
        ),
        (
            over(booting(&stricter(shim(), 2), &grub())),
            &[
                (shim_path, &["keys refuses shim: ", "it was changed after it was signed"]),
                (grub_path, &["shim refuses GRUB, whoever signed it: SBAT revokes it: the component grub"]),
            ],
            &[],
        ),
        // Nobody but its owner lets it start, so nothing is expected of what follows.
        (
            kernel(booting(&unsigned_shim(), &grub()), &unsigned()),
            &[
                (shim_path, &["keys refuses shim: it is not signed", "if it has the certificate"]),
                (grub_path, &["shim lets GRUB start"]),
                (KERNEL, &["shim refuses the kernel: it is not signed"]),
            ],
            &[],
        ),
        (
            kernel(by_systemd, &unsigned()),
            &[
                (systemd, &["Microsoft's keys refuses systemd-boot: it is not signed"]),
                (KERNEL, &["Microsoft's keys refuses the kernel: it is not signed"]),
            ],
            &[],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let report = report(directory.path(), &image.write(&directory.path().join(at.to_string())), &[]);
        let told = found(&report, "findings", "secure-boot");
        for (path, words) in expected {
            let (_, told) = told.iter().find(|(found, _)| found == path).unwrap_or_else(|| panic!("{path}: {told:#?}"));
            for word in *words {
                assert!(told.contains(word), "{path}: no `{word}` in {told}");
            }
        }
        let stops: Vec<_> =
            found(&report, "findings", "secure-boot-broken").into_iter().map(|(path, _)| path).collect();
        assert_eq!(stops, broken, "{report:#}");
    }
}
