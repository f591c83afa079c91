//! Signatures that are appended to modules.
//!
//! ```text
//! module … │ signer │ key id │ signature │ struct module_signature │ "~Module signature appended~\n"
//! ```
//!
//! Source: Linux, include/linux/module_signature.h and scripts/sign-file.c.

use crate::der;

const MARKER: &[u8] = b"~Module signature appended~\n";
/// Bytes of `struct module_signature`.
const DESCRIPTOR_BYTES: usize = 12;

/// The form of a signature (`enum pkey_id_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureKind {
    /// Of kernels before 3.7.
    Pgp,
    /// Of kernels before 4.3.
    X509,
    /// A PKCS #7 message.
    Pkcs7,
    /// Of a number that Linux does not have.
    Unknown(u8),
}

/// A signature at the end of a module. Whether it is *valid* is not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Its form.
    pub kind: SignatureKind,
    /// Who signed, where that stands in a place that is known: the common name of the issuer of the signer's certificate.
    pub signer: Option<String>,
    /// Length of the module in bytes without the signature and all that describes it.
    pub signed_bytes: u64,
}

/// Why the end of a file is no signature although it has the marker of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SignatureFault {
    /// Bytes that the descriptor asks for.
    pub(crate) claimed: u64,
    /// Bytes that are before the descriptor.
    pub(crate) present: u64,
}

impl Signature {
    /// The signature of an unpacked module; `None` where there is none.
    pub(crate) fn parse(module: &[u8]) -> Result<Option<Self>, SignatureFault> {
        let Some(unmarked) = module.strip_suffix(MARKER) else { return Ok(None) };
        let Some((rest, descriptor)) = unmarked.split_last_chunk::<DESCRIPTOR_BYTES>() else {
            return Err(SignatureFault { claimed: DESCRIPTOR_BYTES as u64, present: unmarked.len() as u64 });
        };
        // 0 algorithm, 1 hash: both are 0 for PKCS #7, which has them itself; 5 to 7 padding.
        let [_, _, kind, signer_bytes, key_id_bytes, _, _, _, size @ ..] = *descriptor;
        let present = rest.len() as u64;
        let claimed = u64::from(u32::from_be_bytes(size)) + u64::from(signer_bytes) + u64::from(key_id_bytes);
        let Some(signed_bytes) = present.checked_sub(claimed) else {
            return Err(SignatureFault { claimed, present });
        };
        // Not larger than `rest`.
        let appended = usize::try_from(signed_bytes).map_or(&[][..], |signed| &rest[signed..]);
        let (signer, behind) = appended.split_at(usize::from(signer_bytes).min(appended.len()));
        let kind = match kind {
            0 => SignatureKind::Pgp,
            1 => SignatureKind::X509,
            2 => SignatureKind::Pkcs7,
            other => SignatureKind::Unknown(other),
        };
        let signer = match kind {
            SignatureKind::Pkcs7 => der::signer(behind.get(usize::from(key_id_bytes)..).unwrap_or_default()),
            _ => (!signer.is_empty()).then(|| String::from_utf8_lossy(signer).into_owned()),
        };
        Ok(Some(Self { kind, signer, signed_bytes }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signed(kind: u8, signer: &str, key_id: &[u8], signature: &[u8]) -> Vec<u8> {
        let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
        let size = u32::try_from(signature.len()).unwrap();
        let descriptor = [0, 0, kind, length(signer.as_bytes()), length(key_id), 0, 0, 0];
        let size = size.to_be_bytes();
        let parts: [&[u8]; 7] = [b"module", signer.as_bytes(), key_id, signature, &descriptor, &size, MARKER];
        parts.concat()
    }

    #[test]
    fn signatures_of_all_ages_are_read() {
        let message = der::made::message("A key", 0);
        for (bytes, kind, signer) in [
            (signed(2, "", b"", &message), SignatureKind::Pkcs7, Some("A key")),
            (signed(2, "", b"", b"?"), SignatureKind::Pkcs7, None),
            (signed(1, "Old key", b"1234", b"?"), SignatureKind::X509, Some("Old key")),
            (signed(0, "", b"", b""), SignatureKind::Pgp, None),
            (signed(9, "x", b"", b""), SignatureKind::Unknown(9), Some("x")),
        ] {
            let signature = Signature::parse(&bytes).unwrap().unwrap();
            let expected = Signature { kind, signer: signer.map(str::to_owned), signed_bytes: 6 };
            assert_eq!(signature, expected);
        }
        assert_eq!(Signature::parse(b"module"), Ok(None));
    }

    #[test]
    fn a_signature_larger_than_the_file_is_refused() {
        assert_eq!(Signature::parse(MARKER), Err(SignatureFault { claimed: 12, present: 0 }));
        let mut bytes = signed(2, "", b"", b"1234");
        let at = bytes.len() - MARKER.len() - 4;
        bytes[at..at + 4].copy_from_slice(&[0xff; 4]);
        assert_eq!(Signature::parse(&bytes), Err(SignatureFault { claimed: 0xffff_ffff, present: 10 }));
    }

    proptest! {
        #[test]
        fn no_damage_makes_it_panic(descriptor: [u8; 12], before in 0..40_usize) {
            let _ = Signature::parse(&[&vec![7; before][..], &descriptor, MARKER].concat());
        }
    }
}
