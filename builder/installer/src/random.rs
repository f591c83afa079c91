//! Identities that nobody else has.

use builder_medium::Uuid;
use rustix::rand::{GetRandomFlags, getrandom};

use crate::failure::{Failure, Tried as _};

/// A GUID of version 4: RFC 9562, section 5.4.
pub(crate) fn random_guid() -> Result<Uuid, Failure> {
    let mut bytes = random_bytes()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Ok(Uuid::from_bytes(bytes))
}

/// A volume id of FAT, which is not zero.
pub(crate) fn random_volume_id() -> Result<u32, Failure> {
    let [a, b, c, d, ..] = random_bytes()?;
    Ok(u32::from_le_bytes([a, b, c, d]).max(1))
}

fn random_bytes() -> Result<[u8; 16], Failure> {
    let mut bytes = [0; 16];
    let length = getrandom(&mut bytes, GetRandomFlags::empty()).tried(|| "draw a random GUID")?;
    if length != bytes.len() {
        return Err(Failure::new(format!("the kernel gave {length} random bytes where 16 were asked for")));
    }
    Ok(bytes)
}
