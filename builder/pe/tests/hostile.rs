//! Files that were cut or changed: an error or a refusal, but never a panic, a hang or much memory.

mod programs;

use builder_pe::{
    Certificate, HashAlgorithm, PeFile, Reason, Sbat, SbatLevel, SbatLevels, Signature, SignatureList, Time,
    TrustAnchor, Verdict, authority,
};
use programs::{FALLBACK, SHIM};
use proptest::prelude::*;

/// Does all that can be done with a file, and tells what comes out in the end; `None` where it is no program.
fn everything(file: &[u8], trusted: &[TrustAnchor]) -> Option<Verdict> {
    let pe = PeFile::parse(file).ok()?;
    for section in pe.sections() {
        assert!(section.content().len() <= file.len());
        let _ = section.text();
    }
    let _ = (pe.is_uki(), pe.is_uki_addon(), pe.machine().to_string(), pe.subsystem().to_string());
    if let (Ok(Some(sbat)), Ok(Some(shim))) = (pe.sbat(), pe.shim())
        && let Some(levels) = &shim.levels
    {
        let _ = sbat.revoked_by(&levels.latest);
    }
    for signature in pe.signatures().flatten() {
        assert!(signature.signers().count() > 0);
    }
    let _ = pe.shim().map(|shim| shim.map(|shim| pe.denied_by(&shim.denied)));
    let verdict = pe.verify(trusted);
    let _ = (verdict.to_string(), verdict.notes(Some(Time::from_unix(i64::MAX))));
    Some(verdict)
}

fn debian() -> Vec<TrustAnchor> {
    PeFile::parse(&SHIM.read()).unwrap().shim().unwrap().unwrap().trust_anchors()
}

/// Where the section table ends, the certificate directory's entry begins and the certificate table begins.
fn places(file: &[u8]) -> (usize, usize, usize) {
    let number = |at: usize| usize::try_from(u32::from_le_bytes(*file[at..].first_chunk().unwrap())).unwrap();
    let pe = number(0x3c);
    let sections = number(pe + 6) & 0xffff;
    let directory = pe + 24 + 112 + 4 * 8;
    (pe + 24 + 240 + sections * 40, directory, number(directory))
}

#[test]
fn every_byte_that_counts_counts() {
    let file = FALLBACK.read();
    let trusted = debian();
    let good = PeFile::parse(&file).unwrap();
    let digest = good.hash(HashAlgorithm::Sha256);
    assert!(everything(&file, &trusted).unwrap().is_trusted());
    let (headers, directory, table) = places(&file);
    let checksum = directory - 4 * 8 - 112 + 64;
    let mut changed = file.clone();
    // What is in a gap between sections does not count for firmware either.
    let gap = |at: usize| {
        let place = u64::try_from(at).unwrap();
        let inside = |section: &builder_pe::Section<'_>| {
            let start = u64::from(section.raw_offset);
            (start..start + section.raw.len() as u64).contains(&place)
        };
        at >= 0x1000 && !good.sections().iter().any(inside)
    };
    let mut counted = 0;
    for at in (0..headers).chain((headers..table).step_by(101)).chain(table - 16..table) {
        let left_out = (checksum..checksum + 4).contains(&at) || (directory..directory + 8).contains(&at);
        for bit in [1, 0x80] {
            changed[at] ^= bit;
            match PeFile::parse(&changed) {
                Ok(pe) if !left_out && !gap(at) => {
                    assert_ne!(pe.hash(HashAlgorithm::Sha256), digest, "byte {at}");
                    assert!(!everything(&changed, &trusted).unwrap().is_trusted(), "byte {at}");
                    counted += 1;
                }
                Ok(pe) if (checksum..checksum + 4).contains(&at) => {
                    assert_eq!(pe.hash(HashAlgorithm::Sha256), digest, "byte {at}");
                }
                Ok(_) => _ = everything(&changed, &trusted),
                Err(_) => assert!(at < headers, "byte {at}"),
            }
            changed[at] ^= bit;
        }
    }
    assert!(counted > 2000, "{counted}");
}

#[test]
fn every_byte_of_the_headers_may_lie() {
    let file = FALLBACK.read();
    let trusted = debian();
    let (headers, _, _) = places(&file);
    let mut changed = file.clone();
    for at in 0..headers {
        for value in [0, 1, 0x7f, 0xff] {
            changed[at] = value;
            let verdict = everything(&changed, &trusted);
            assert!(verdict.is_none_or(|verdict| !verdict.is_trusted()) || value == file[at] || at > 0x80);
        }
        changed[at] = file[at];
    }
    // Whole numbers too.
    for at in (0x3c..headers - 4).step_by(2) {
        for value in [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX, u32::try_from(file.len()).unwrap()] {
            changed[at..at + 4].copy_from_slice(&value.to_le_bytes());
            let _ = everything(&changed, &trusted);
        }
        changed[at..at + 4].copy_from_slice(&file[at..at + 4]);
    }
}

#[test]
fn every_byte_of_a_signature_may_lie() {
    let file = FALLBACK.read();
    let trusted = debian();
    let (_, _, table) = places(&file);
    let mut changed = file.clone();
    let mut trusted_still = 0;
    let mut reasons = [0; 5];
    for at in table..file.len() {
        for bit in [1, 0x40] {
            changed[at] ^= bit;
            match everything(&changed, &trusted) {
                Some(Verdict::Trusted { .. }) => trusted_still += 1,
                Some(Verdict::Refused { reasons: found }) => match found[..] {
                    [Reason::Kind { .. }] => reasons[0] += 1,
                    [Reason::Unreadable { .. }] => reasons[1] += 1,
                    [Reason::Digest { .. }] => reasons[2] += 1,
                    [Reason::Wrong { .. }] => reasons[3] += 1,
                    [Reason::NotTrusted { .. }] => reasons[4] += 1,
                    _ => {}
                },
                None => {}
            }
            changed[at] ^= bit;
        }
    }
    // Versions, the entry's revision, the padding, and parameters of algorithms: nothing that firmware minds.
    assert!(trusted_still < 120, "{trusted_still} of {}", 2 * (file.len() - table));
    // One field for the kind; the digest; the signature of 2048 bits; and the certificate, which is signed itself.
    assert_eq!(reasons[0], 4);
    assert!(reasons[2] >= 64 && reasons[3] >= 512 && reasons[4] >= 512, "{reasons:?}");
}

#[test]
fn a_file_that_was_cut_is_an_error() {
    let file = FALLBACK.read();
    let (headers, _, table) = places(&file);
    for length in (0..headers).chain((headers..table).step_by(997)).chain(table..file.len()) {
        assert!(everything(&file[..length], &[]).is_none(), "{length}");
    }
    let mut longer = file;
    longer.push(0);
    assert!(everything(&longer, &[]).is_none());
}

#[test]
fn every_byte_of_a_shims_lists_may_lie() {
    let file = SHIM.read();
    let pe = PeFile::parse(&file).unwrap();
    // Shims of before 2025 are signed for the older one alone.
    let trusted = [&authority::UEFI_CA_2011, &authority::UEFI_CA_2023].map(TrustAnchor::Authority);
    assert!(pe.verify(&trusted).is_trusted());
    for name in [".vendor_cert", ".sbatlevel", ".sbat"] {
        let section = pe.section(name).unwrap();
        let (start, length) = (usize::try_from(section.raw_offset).unwrap(), section.content().len());
        let mut changed = file.clone();
        for at in (start..start + length).filter(|at| at - start < 1200 || (at - start) % 151 == 0) {
            for bit in [1, 0x80] {
                changed[at] ^= bit;
                let pe = PeFile::parse(&changed).unwrap();
                let _ = (pe.shim(), pe.sbat());
                changed[at] ^= bit;
            }
        }
    }
}

#[test]
fn sections_that_share_bytes_are_refused() {
    let file = FALLBACK.read();
    let (headers, directory, table) = places(&file);
    let change = |changes: &[(usize, u32)]| {
        let mut changed = file.clone();
        for (at, value) in changes {
            changed[*at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        PeFile::parse(&changed).unwrap_err().to_string()
    };
    let number = |at: usize| u32::from_le_bytes(*file[at..].first_chunk().unwrap());
    let (last, before) = (headers - 40, headers - 80);
    let optional = directory - 4 * 8 - 112;
    let size = u32::try_from(file.len()).unwrap();
    for (changes, error) in [
        (&[(last + 20, number(before + 20))][..], "begins at byte"),
        (&[(before + 20, 0)], "the headers' part goes to byte "),
        (&[(last + 20, size - 1)], "and the file has"),
        (&[(last + 16, u32::MAX)], "and the file has"),
        (&[(last + 16, size - number(last + 20))], "the certificate table begins at byte"),
        (&[(directory, u32::try_from(table).unwrap() - 8)], "the certificate table must be the last part"),
        (&[(directory + 4, size)], "the certificate table goes from byte"),
        (&[(table, 7)], "entry 1 of the certificate table"),
        (&[(table, size)], "entry 1 of the certificate table"),
        (&[(optional - 4, 0x00e0)], "the optional header has 224 bytes, and with 16 data directories it must have 240"),
        (&[(optional + 108, 17)], "claims 17 data directories"),
        (&[(optional + 108, 15)], "the optional header has 240 bytes, and with 15 data directories it must have 232"),
        (&[(optional + 60, 64)], "the headers end at byte 64, but the section table goes to byte"),
        (&[(0x3c, 0)], "the DOS header goes to byte 64, but the PE header begins at byte 0"),
        (&[(0x3c, size)], "the PE header goes from byte"),
        (&[(0x3c, 64)], "the PE header should be at byte 64"),
        (&[(optional, 0)], "the optional header begins with 0x0000"),
        (&[(0, 0)], "a PE file begins with \"MZ\", this one with \"\\x00\\x00\""),
    ] {
        let found = change(changes);
        assert!(found.contains(error), "{found}\nlacks {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = everything(&bytes, &[]);
        let _ = everything(&[&b"MZ"[..], bytes.as_slice()].concat(), &[]);
        let _ = (Certificate::parse(&bytes), Signature::parse(&bytes), SignatureList::parse(&bytes));
        let _ = (Sbat::parse(&bytes), SbatLevel::parse(&bytes), SbatLevels::parse(&bytes));
    }

    #[test]
    fn nested_lengths_do_not_panic(tags in proptest::collection::vec(
        prop_oneof![Just(0x30_u8), Just(0x31), Just(0xa0), Just(0x02), Just(0x06), any::<u8>()], 0..60,
    )) {
        let bytes = tags.iter().rev().fold(Vec::new(), |inside: Vec<u8>, &tag| {
            let length = u8::try_from(inside.len()).unwrap_or(0x7f);
            [&[tag, length.min(0x7f)][..], inside.as_slice()].concat()
        });
        let _ = (Certificate::parse(&bytes), Signature::parse(&bytes), SignatureList::parse(&bytes));
    }
}
