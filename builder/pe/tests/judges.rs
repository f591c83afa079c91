//! Programs as `objdump` and OpenSSL see them, and signatures as `sbverify` and `osslsigncode` do.

mod keys;
mod programs;

use std::collections::BTreeSet;
use std::process::Command;

use builder_pe::{
    Certificate, Denial, HashAlgorithm, KnownAuthority, Machine, Note, PeFile, Reason, Revocation, SbatLevel,
    Sha256Digest, SignatureList, Subsystem, Time, TrustAnchor, TrustedBy, Verdict, authority,
};
use keys::{Keys, Use, must, run};
use programs::{FALLBACK, Program, SHIM};

const GRUB: Program = Program("/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "grub-efi-amd64-signed");
const MOK_MANAGER: Program = Program("/usr/lib/shim/mmx64.efi.signed", "shim-helpers-amd64-signed");
const STUB: Program = Program("/usr/lib/systemd/boot/efi/linuxx64.efi.stub", "systemd-boot-efi");
const SYSTEMD_BOOT: Program = Program("/usr/lib/systemd/boot/efi/systemd-bootx64.efi", "systemd-boot-efi");
const SIGNED: [Program; 4] = [SHIM, FALLBACK, MOK_MANAGER, GRUB];

/// The lists of certificates in the variables that OVMF comes with.
fn ovmf() -> Vec<SignatureList> {
    let store = Program("/usr/share/OVMF/OVMF_VARS_4M.ms.fd", "ovmf").read();
    let x509 = [0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72];
    let lists = (0..store.len()).filter(|&at| store[at..].starts_with(&x509)).map(|at| {
        let bytes = u32::from_le_bytes(*store[at + 16..].first_chunk().unwrap());
        SignatureList::parse(&store[at..at + usize::try_from(bytes).unwrap()]).unwrap()
    });
    lists.collect()
}

fn signed_certificates(program: Program) -> Vec<Certificate> {
    let file = program.read();
    let pe = PeFile::parse(&file).unwrap();
    pe.signatures().flat_map(|signature| signature.unwrap().certificates().to_vec()).collect()
}

fn vendor() -> Vec<TrustAnchor> {
    PeFile::parse(&SHIM.read()).unwrap().shim().unwrap().unwrap().trust_anchors()
}

#[test]
fn sections_are_those_objdump_lists() {
    for program in [SHIM, FALLBACK, MOK_MANAGER, GRUB, STUB, SYSTEMD_BOOT] {
        let file = program.read();
        let pe = PeFile::parse(&file).unwrap();
        assert_eq!((pe.machine(), pe.subsystem()), (Machine::X86_64, Subsystem::EfiApplication));
        let shown = must("binutils", Command::new("objdump").arg("-h").arg(program.0));
        let listed: Vec<_> = shown
            .lines()
            .filter_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
                [number, name, size, _, _, offset, _] if number.parse::<u32>().is_ok() => {
                    let number = |text| usize::from_str_radix(text, 16).unwrap();
                    Some((name.to_owned(), number(size), number(offset)))
                }
                _ => None,
            })
            .collect();
        assert!(listed.len() > 4, "{shown}");
        let offset = |offset: u32| usize::try_from(offset).unwrap();
        let sections = pe.sections().iter();
        let ours: Vec<_> = sections.map(|s| (s.name.clone(), s.content().len(), offset(s.raw_offset))).collect();
        assert_eq!(ours, listed, "{}", program.0);
        assert!(!pe.is_uki() && !pe.is_uki_addon());
    }
}

#[test]
fn certificates_are_those_sbverify_lists() {
    for program in SIGNED {
        let shown = must("sbsigntool", Command::new("sbverify").arg("--list").arg(program.0));
        let listed: Vec<_> = shown
            .lines()
            .filter_map(|line| {
                let line = line.trim_start_matches([' ', '-']);
                line.strip_prefix("subject: ").or_else(|| line.strip_prefix("issuer: "))
            })
            .map(|name| name.trim_start().trim_start_matches('/').replace('/', ", "))
            .collect();
        let ours: Vec<_> = signed_certificates(program)
            .iter()
            .flat_map(|certificate| [certificate.subject().text().to_owned(), certificate.issuer().text().to_owned()])
            .collect();
        assert!(!listed.is_empty());
        assert_eq!(ours, listed, "{}", program.0);
    }
}

#[test]
fn openssl_reads_the_same_in_every_certificate() {
    let keys = Keys::new();
    let mut certificates: Vec<_> = SIGNED.into_iter().flat_map(signed_certificates).collect();
    certificates.extend(ovmf().iter().flat_map(SignatureList::certificates).cloned());
    let shim = SHIM.read();
    certificates.extend(PeFile::parse(&shim).unwrap().shim().unwrap().unwrap().trusted.certificates().cloned());
    assert!(certificates.len() >= 11);
    for certificate in certificates {
        let der = keys.write("one.der", certificate.der());
        let mut command = Command::new("openssl");
        command.args(["x509", "-inform", "der", "-noout", "-subject", "-issuer", "-serial", "-fingerprint", "-sha256"]);
        command.args(["-dates", "-dateopt", "iso_8601", "-text", "-nameopt", "sep_comma_plus_space,utf8", "-in"]);
        let shown = must("openssl", command.arg(der));
        let hexadecimal = |bytes: &[u8], separator| {
            bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(separator)
        };
        let time = |time: Time| time.to_string().replace('T', " ");
        let serial = certificate.serial();
        let serial = if serial[0] == 0 { &serial[1..] } else { serial };
        for expected in [
            format!("subject={}", certificate.subject()),
            format!("issuer={}", certificate.issuer()),
            format!("serial={}", hexadecimal(serial, "")),
            format!("sha256 Fingerprint={}", hexadecimal(&certificate.fingerprint().0, ":")),
            format!("notBefore={}", time(certificate.not_before())),
            format!("notAfter={}", time(certificate.not_after())),
            format!("Public-Key: ({} bit)", certificate.key_bits().unwrap()),
        ] {
            assert!(shown.contains(&expected), "{expected} is not in\n{shown}");
        }
        let authority = shown.contains("CA:TRUE");
        assert_eq!(certificate.is_authority(), authority, "{shown}");
        assert!(!certificate.is_for_modules());
    }
}

#[test]
fn microsofts_authorities_are_known() {
    let mut seen = BTreeSet::new();
    let in_shim = signed_certificates(SHIM);
    let in_firmware: Vec<_> = ovmf().iter().flat_map(SignatureList::certificates).cloned().collect();
    for certificate in in_shim.iter().chain(&in_firmware) {
        let known = KnownAuthority::of_certificate(certificate);
        assert_eq!(known, KnownAuthority::of_name(certificate.subject()), "{certificate:?}");
        let Some(known) = known else { continue };
        assert_eq!(Some(known.name), certificate.subject().common_name());
        assert_eq!(known.not_after, certificate.not_after());
        seen.insert(known.name);
    }
    for expected in [&authority::UEFI_CA_2011, &authority::UEFI_CA_2023, &authority::WINDOWS_PRODUCTION_PCA_2011] {
        assert!(seen.contains(expected.name), "{expected} was not there to compare");
    }
}

#[test]
fn digests_are_those_osslsigncode_computes() {
    let keys = Keys::new();
    let key = keys.make("key", "/CN=key", 2048, Use::Leaf, None);
    let stub = STUB.read();
    // It reads no file with more than one entry in its certificate table, such as shim's.
    let mut files: Vec<_> = [FALLBACK, MOK_MANAGER, GRUB].map(|program| (HashAlgorithm::Sha256, program.read())).into();
    for (name, algorithm) in
        [("sha256", HashAlgorithm::Sha256), ("sha384", HashAlgorithm::Sha384), ("sha512", HashAlgorithm::Sha512)]
    {
        files.push((algorithm, keys.osslsigncode(&stub, &key, &[&key], name)));
    }
    for (algorithm, file) in files {
        let path = keys.write("program.efi", &file);
        // It does not trust all of them, but tells the digest.
        let (_, shown) = run("osslsigncode", Command::new("osslsigncode").arg("verify").arg("-in").arg(path));
        let pe = PeFile::parse(&file).unwrap();
        let digest: String = pe.hash(algorithm).iter().map(|byte| format!("{byte:02X}")).collect();
        assert!(shown.contains(&format!("Calculated message digest : {digest}")), "{digest} is not in\n{shown}");
        let signature = pe.signatures().next().unwrap().unwrap();
        assert_eq!((signature.algorithm(), signature.digest()), (algorithm, &*pe.hash(algorithm)));
    }
    // The digest of what is not signed yet is that of the signed.
    let signed = keys.sbsign(&stub, &key);
    assert_eq!(PeFile::parse(&stub).unwrap().sha256(), PeFile::parse(&signed).unwrap().sha256());
}

#[test]
fn firmware_with_microsofts_keys_starts_shim_and_shim_starts_grub() {
    let shim = SHIM.read();
    let pe = PeFile::parse(&shim).unwrap();
    for known in [&authority::UEFI_CA_2011, &authority::UEFI_CA_2023] {
        let Verdict::Trusted { by, chain, others } = pe.verify(&[TrustAnchor::Authority(known)]) else {
            panic!("{known}")
        };
        assert_eq!(by, TrustedBy::Authority(known));
        assert_eq!((chain.len(), others.len()), (2, 1));
        assert_eq!(chain[1].fingerprint(), known.fingerprint);
    }
    let db: Vec<_> = ovmf().iter().flat_map(SignatureList::trust_anchors).collect();
    assert!(matches!(pe.verify(&db), Verdict::Trusted { by: TrustedBy::Certificate(_), .. }));
    for known in [&authority::WINDOWS_PRODUCTION_PCA_2011, &authority::WINDOWS_UEFI_CA_2023] {
        let verdict = pe.verify(&[TrustAnchor::Authority(known)]);
        assert_eq!(verdict.reasons().len(), 2);
        let text = verdict.to_string();
        assert!(text.contains("by Microsoft Windows UEFI Driver Publisher"), "{text}");
        assert!(text.contains(&format!("trusted is {}", known.name)), "{text}");
    }

    let shims = pe.shim().unwrap().unwrap();
    let names: Vec<_> = shims.trusted.certificates().map(|vendor| vendor.subject().text().to_owned()).collect();
    assert_eq!(names, ["CN=Debian Secure Boot CA"]);
    assert!(!shims.denied.entries.is_empty());
    for program in [GRUB, MOK_MANAGER, FALLBACK] {
        let file = program.read();
        let pe = PeFile::parse(&file).unwrap();
        assert_eq!(pe.shim(), Ok(None));
        let verdict = pe.verify(&shims.trust_anchors());
        assert!(verdict.is_trusted(), "{verdict}");
        assert!(verdict.to_string().ends_with(", for whom Debian Secure Boot CA vouches"), "{verdict}");
        assert_eq!(pe.denied_by(&shims.denied), None);
        let refused = pe.verify(&db);
        assert!(
            matches!(refused.reasons(), [Reason::NotTrusted { number: 1, issuer, .. }]
            if issuer == "Debian Secure Boot CA"),
            "{refused}"
        );
    }
    let stub = STUB.read();
    assert_eq!(PeFile::parse(&stub).unwrap().verify(&db), Verdict::Refused { reasons: vec![Reason::Unsigned] });
}

#[test]
fn dates_are_told_and_change_nothing() {
    let shim = SHIM.read();
    let verdict = PeFile::parse(&shim).unwrap().verify(&[TrustAnchor::Authority(&authority::UEFI_CA_2011)]);
    let Verdict::Trusted { chain, .. } = &verdict else { panic!("{verdict}") };
    for certificate in chain {
        let subject = certificate.subject().short();
        let end = certificate.not_after().unix();
        let expired = |now: i64| {
            let notes = verdict.notes(Some(Time::from_unix(now)));
            notes.iter().any(|note| matches!(note, Note::Expired { subject: who, .. } if who == subject))
        };
        assert_eq!((expired(end), expired(end + 1)), (false, true), "{subject}");
    }
    assert!(matches!(verdict.notes(Some(Time::from_unix(0)))[..], [Note::NotYetValid { .. }, ..]));
    assert!(matches!(verdict.notes(None)[..], [Note::OtherSignature(Reason::NotTrusted { number: 2, .. })]));
}

#[test]
fn sbverify_and_we_agree_on_keys_of_our_own() {
    let keys = Keys::new();
    let stub = STUB.read();
    let other = keys.make("other", "/CN=key 2048", 2048, Use::Leaf, None);
    for bits in [2048, 3072, 4096] {
        let key = keys.make(&format!("key{bits}"), &format!("/CN=key {bits}"), bits, Use::Leaf, None);
        let signed = keys.sbsign(&stub, &key);
        let mut changed = signed.clone();
        changed[0x1000] ^= 1;
        let certificate = keys.certificate(&key);
        assert_eq!(certificate.key_bits(), usize::try_from(bits).ok());
        for (file, key, trusted) in [(&signed, &key, true), (&signed, &other, false), (&changed, &key, false)] {
            assert_eq!(keys.sbverify(file, &key.certificate), trusted, "{bits}");
            let verdict = PeFile::parse(file).unwrap().verify(&[keys.certificate(key).into()]);
            assert_eq!(verdict.is_trusted(), trusted, "{bits}: {verdict}");
        }
        let verdict = PeFile::parse(&changed).unwrap().verify(&[certificate.into()]);
        assert!(matches!(verdict.reasons(), [Reason::Digest { number: 1, .. }]), "{verdict}");
    }
}

#[test]
fn either_of_two_signatures_is_enough() {
    let keys = Keys::new();
    let (first, second) = (
        keys.make("first", "/CN=first", 2048, Use::Leaf, None),
        keys.make("second", "/CN=second", 2048, Use::Leaf, None),
    );
    let file = keys.sbsign(&keys.sbsign(&STUB.read(), &first), &second);
    let pe = PeFile::parse(&file).unwrap();
    assert_eq!(pe.certificate_table().len(), 2);
    for key in [&first, &second] {
        assert!(keys.sbverify(&file, &key.certificate));
        let verdict = pe.verify(&[keys.certificate(key).into()]);
        assert!(verdict.is_trusted(), "{verdict}");
        assert_eq!(verdict.notes(None).len(), 1);
    }
}

#[test]
fn certificates_between_the_signer_and_the_trusted_are_followed() {
    let keys = Keys::new();
    let root = keys.make("root", "/CN=root", 2048, Use::Authority, None);
    let between = keys.make("between", "/CN=between", 2048, Use::Authority, Some(&root));
    let leaf = keys.make("leaf", "/CN=leaf", 2048, Use::Leaf, Some(&between));
    let stranger = keys.make("stranger", "/CN=root", 2048, Use::Authority, None);
    let no_authority = keys.make("no-authority", "/CN=no authority", 2048, Use::Leaf, Some(&root));
    let bad = keys.make("bad", "/CN=bad", 2048, Use::Leaf, Some(&no_authority));
    let stub = STUB.read();
    let whole = keys.osslsigncode(&stub, &leaf, &[&leaf, &between], "sha256");
    let alone = keys.osslsigncode(&stub, &leaf, &[&leaf], "sha256");
    let bad_chain = keys.osslsigncode(&stub, &bad, &[&bad, &no_authority], "sha256");
    for (name, file, trusted, length) in [
        ("whole", &whole, &root, Some(3)),
        ("whole", &whole, &between, Some(2)),
        ("whole", &whole, &leaf, Some(1)),
        ("whole", &whole, &stranger, None),
        ("alone", &alone, &root, None),
        ("alone", &alone, &between, Some(2)),
        ("bad chain", &bad_chain, &root, None),
        ("bad chain", &bad_chain, &no_authority, None),
        ("bad chain", &bad_chain, &bad, Some(1)),
    ] {
        let verdict = PeFile::parse(file).unwrap().verify(&[keys.certificate(trusted).into()]);
        let found = match &verdict {
            Verdict::Trusted { chain, .. } => Some(chain.len()),
            Verdict::Refused { .. } => None,
        };
        assert_eq!(found, length, "{name}, {}: {verdict}", trusted.certificate.display());
        // It wants chains up to a root, as firmware does not.
        if trusted.certificate == root.certificate {
            assert_eq!(keys.osslsigncode_verify(file, &root.certificate), length.is_some(), "{name}");
        }
    }
}

#[test]
fn a_known_name_without_the_certificate_is_told() {
    let keys = Keys::new();
    let subject = "/C=US/O=Microsoft Corporation/CN=Microsoft UEFI CA 2023";
    let liar = keys.make("liar", subject, 2048, Use::Authority, None);
    let leaf = keys.make("leaf", "/CN=leaf", 2048, Use::Leaf, Some(&liar));
    let trusted = [TrustAnchor::Authority(&authority::UEFI_CA_2023)];
    let alone = keys.osslsigncode(&STUB.read(), &leaf, &[&leaf], "sha256");
    let verdict = PeFile::parse(&alone).unwrap().verify(&trusted);
    assert!(
        matches!(verdict, Verdict::Trusted { by: TrustedBy::Name(known), .. } if *known == authority::UEFI_CA_2023)
    );
    assert!(matches!(verdict.notes(None)[..], [Note::NameOnly { .. }]));
    // With its certificate there it is seen that it is another one.
    let whole = keys.osslsigncode(&STUB.read(), &leaf, &[&leaf, &liar], "sha256");
    let verdict = PeFile::parse(&whole).unwrap().verify(&trusted);
    assert!(matches!(verdict.reasons(), [Reason::NotTrusted { .. }]), "{verdict}");
    // What is verified goes before what is not.
    let own = keys.make("own", "/CN=own", 2048, Use::Leaf, None);
    let both = keys.sbsign(&alone, &own);
    let verdict = PeFile::parse(&both).unwrap().verify(&[trusted[0].clone(), keys.certificate(&own).into()]);
    assert!(matches!(verdict, Verdict::Trusted { by: TrustedBy::Certificate(_), .. }), "{verdict}");
}

#[test]
fn keys_for_kernel_modules_are_told() {
    let keys = Keys::new();
    let key = keys.make("modules", "/CN=modules", 2048, Use::Modules, None);
    let file = keys.sbsign(&STUB.read(), &key);
    let certificate = keys.certificate(&key);
    assert!(certificate.is_for_modules());
    let verdict = PeFile::parse(&file).unwrap().verify(&[certificate.into()]);
    assert!(matches!(verdict.notes(None)[..], [Note::ForModules { .. }]), "{verdict}");
}

#[test]
fn lists_are_read_in_every_form_that_tools_write() {
    let keys = Keys::new();
    let key = keys.make("key", "/CN=key", 2048, Use::Leaf, None);
    let certificate = keys.certificate(&key);
    let der = keys.write("key.der", certificate.der());
    let owner = "11223344-5566-7788-99aa-bbccddeeff00";
    let (esl, auth, hashes) = (keys.path("key.esl"), keys.path("key.auth"), keys.path("hashes.esl"));
    let mut command = Command::new("sbsiglist");
    must("sbsigntool", command.args(["--owner", owner, "--type", "x509", "--output"]).arg(&esl).arg(&der));
    let mut command = Command::new("sbvarsign");
    command.arg("--key").arg(&key.key).arg("--cert").arg(&key.certificate).arg("--output").arg(&auth);
    must("sbsigntool", command.arg("db").arg(&esl));
    let stub = STUB.read();
    let digest = PeFile::parse(&stub).unwrap().sha256();
    let raw = keys.write("hash", &digest.0);
    let mut command = Command::new("sbsiglist");
    must("sbsigntool", command.args(["--owner", owner, "--type", "sha256", "--output"]).arg(&hashes).arg(raw));

    let read = |path| SignatureList::parse(&std::fs::read(path).unwrap()).unwrap();
    for (path, owned) in [(&der, false), (&key.certificate, false), (&esl, true), (&auth, true)] {
        let list = read(path);
        assert_eq!(list.certificates().collect::<Vec<_>>(), [&certificate], "{}", path.display());
        assert_eq!(list.entries[0].owner.to_string() == owner, owned);
    }
    assert_eq!(read(&hashes).trust_anchors(), [TrustAnchor::Program(digest)]);
    let pe = PeFile::parse(&stub).unwrap();
    let verdict = pe.verify(&read(&hashes).trust_anchors());
    assert!(matches!(verdict, Verdict::Trusted { by: TrustedBy::Program(found), .. } if found == digest));
    assert_eq!(pe.denied_by(&read(&hashes)), Some(Denial::Program { digest }));

    let signed = keys.sbsign(&stub, &key);
    let pe = PeFile::parse(&signed).unwrap();
    assert_eq!(pe.denied_by(&read(&hashes)), Some(Denial::Program { digest }));
    let denied = Denial::Certificate { number: 1, signer: "key".into(), denied: "key".into() };
    assert_eq!(pe.denied_by(&read(&esl)), Some(denied.clone()));
    let mut list = read(&esl);
    list.entries[0].item = builder_pe::ListItem::SignedCertificate(certificate.signed_sha256());
    assert_eq!(pe.denied_by(&list), Some(denied));
    list.entries[0].item = builder_pe::ListItem::SignedCertificate(Sha256Digest([0; 32]));
    assert_eq!(pe.denied_by(&list), None);
    assert_eq!(pe.denied_by(&SignatureList::default()), None);
}

#[test]
fn components_of_debians_programs_are_read() {
    let shim = SHIM.read();
    let pe = PeFile::parse(&shim).unwrap();
    let levels = pe.shim().unwrap().unwrap().levels.unwrap();
    for program in [SHIM, FALLBACK, MOK_MANAGER, GRUB, STUB, SYSTEMD_BOOT] {
        let file = program.read();
        let sbat = PeFile::parse(&file).unwrap().sbat().unwrap().unwrap();
        assert_eq!((sbat.entries[0].component.as_str(), sbat.entries[0].generation), ("sbat", 1));
        assert!(sbat.entries.iter().any(|entry| entry.component.ends_with(".debian")), "{sbat:?}");
        for level in [&levels.automatic, &levels.latest] {
            assert_eq!(sbat.revoked_by(level), [], "{}", program.0);
        }
        let last = sbat.entries.last().unwrap();
        let next = SbatLevel { date: None, least: vec![(last.component.clone(), last.generation + 1)] };
        let revocation =
            Revocation { component: last.component.clone(), generation: last.generation, least: last.generation + 1 };
        assert_eq!(sbat.revoked_by(&next), [revocation]);
    }
    // What objcopy takes out of the section is what was read.
    let keys = Keys::new();
    let mut command = Command::new("objcopy");
    command.args(["-O", "binary", "--only-section=.sbatlevel", SHIM.0]).arg(keys.path("levels"));
    must("binutils", &mut command);
    let text = String::from_utf8_lossy(&std::fs::read(keys.path("levels")).unwrap()).into_owned();
    for level in [&levels.automatic, &levels.latest] {
        assert!(text.contains(&format!("sbat,1,{}\nshim,", level.date.as_ref().unwrap())), "{text}");
    }
}

#[test]
fn a_unified_kernel_image_is_told_by_its_sections() {
    let keys = Keys::new();
    let key = keys.make("key", "/CN=key", 2048, Use::Leaf, None);
    let parts =
        [(".osrel", "ID=debian\n"), (".cmdline", "root=LABEL=x quiet\n"), (".linux", "MZ kernel"), (".initrd", "cpio")];
    let stub = keys.write("stub.efi", &STUB.read());
    for (count, is_uki, is_addon) in [(1, false, false), (2, false, true), (3, true, false), (4, true, false)] {
        let mut command = Command::new("objcopy");
        for (address, (name, text)) in (1_u32..).zip(&parts[..count]) {
            let file = keys.write(&format!("part{name}"), text.as_bytes());
            command.arg("--add-section").arg(format!("{name}={}", file.display()));
            command.arg("--change-section-vma").arg(format!("{name}={:#x}", address * 0x10_0000));
        }
        let out = keys.path("uki.efi");
        must("binutils", command.arg(&stub).arg(&out));
        let file = std::fs::read(&out).unwrap();
        let signed = keys.sbsign(&file, &key);
        for file in [file, signed] {
            let pe = PeFile::parse(&file).unwrap();
            assert_eq!((pe.is_uki(), pe.is_uki_addon()), (is_uki, is_addon));
            for (name, text) in &parts[..count] {
                let section = pe.section(name).unwrap();
                assert_eq!((section.content(), section.text()), (text.as_bytes(), Some(text.trim_end())));
            }
            if !pe.certificate_table().is_empty() {
                assert!(pe.verify(&[keys.certificate(&key).into()]).is_trusted());
            }
        }
    }
}

#[test]
fn shims_vendor_is_the_one_who_signs() {
    let certificates = signed_certificates(GRUB);
    assert!(matches!(&vendor()[..], [TrustAnchor::Certificate(vendor)]
        if vendor.subject() == certificates[0].issuer() && vendor.is_authority() && vendor.key_bits() == Some(2048)));
}
