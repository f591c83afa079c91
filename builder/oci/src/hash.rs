//! The hashing thread: tar streams in, their digests out.
//!
//! Reading a layer hashes its bytes twice, once as a stream and once as the bodies in it, so a thread of its own takes
//! the one off the other.

use crossbeam_channel::{Receiver, Sender};

use crate::Digest;
use crate::digest::Hasher;

/// What the hashing thread is sent, layer after layer.
pub(crate) enum Job {
    /// A layer begins.
    Begin(Hasher),
    /// The next bytes of its stream, which have been read.
    Bytes(Vec<u8>),
    /// It is complete; its digest is wanted there.
    End(Sender<Digest>),
}

/// Hashes what comes; chunks go to `used`, to be filled again.
pub(crate) fn hash(incoming: &Receiver<Job>, used: &Sender<Vec<u8>>) {
    let mut hasher: Option<Hasher> = None;
    for job in incoming {
        match job {
            Job::Begin(new) => hasher = Some(new),
            Job::Bytes(chunk) => {
                if let Some(hasher) = &mut hasher {
                    hasher.update(&chunk);
                }
                // A full or closed channel only means that the buffer is not used again.
                let _ = used.try_send(chunk);
            }
            Job::End(answer) => {
                if let Some(hasher) = hasher.take() {
                    // Who asked may have failed meanwhile.
                    let _ = answer.send(hasher.finish());
                }
            }
        }
    }
}
