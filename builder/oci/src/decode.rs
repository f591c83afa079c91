//! The decoding thread: blobs in, tar streams out.

use std::io::{self, Read};
use std::thread;

use crossbeam_channel::{Receiver, Sender};
use flate2::bufread::MultiGzDecoder;

use crate::arriving::Arriving;
use crate::feed::Message;
use crate::image::LayerDescriptor;
use crate::layout::Layout;
use crate::media::Compression;
use crate::problem::LayerProblem;

/// Bytes of a tar stream that travel together; a multiple of a tar block.
const CHUNK: usize = 256 << 10;
/// Chunks on their way: 4 MiB.
pub(crate) const IN_FLIGHT: usize = 16;

/// Why the thread stops early.
enum Stop {
    /// Nobody listens any more.
    Unheard,
    Problem(LayerProblem),
}

/// Decodes all layers in order. Ends early at the first that cannot be decoded, or when nobody listens.
pub(crate) fn decode(
    layout: &Layout,
    layers: &[LayerDescriptor],
    outgoing: &Sender<Message>,
    used: &Receiver<Vec<u8>>,
) {
    for layer in layers {
        let message = match decode_layer(layout, layer, outgoing, used) {
            Ok(()) => Message::End,
            Err(Stop::Unheard) => return,
            Err(Stop::Problem(problem)) => Message::Failed(problem),
        };
        let last = matches!(message, Message::Failed(_));
        if outgoing.send(message).is_err() || last {
            return;
        }
    }
}

fn decode_layer(
    layout: &Layout,
    layer: &LayerDescriptor,
    outgoing: &Sender<Message>,
    used: &Receiver<Vec<u8>>,
) -> Result<(), Stop> {
    thread::scope(|scope| {
        let mut blob = Arriving::begin(scope, layout, &layer.digest, layer.size).map_err(Stop::Problem)?;
        let mut pump = Pump { outgoing, used, sent: 0 };
        let result = match layer.compression {
            Compression::None => pump.run(&mut blob, |blob| blob.passed()),
            Compression::Gzip => pump.run(MultiGzDecoder::new(&mut blob), |decoder| decoder.get_ref().passed()),
            Compression::Zstd => match zstd::stream::read::Decoder::with_buffer(&mut blob) {
                Ok(decoder) => pump.run(decoder, |decoder| decoder.get_ref().passed()),
                Err(cause) => Err(Failure::Decoder(cause)),
            },
        };
        let complaint = match result {
            Ok(()) => None,
            Err(Failure::Unheard) => return Err(Stop::Unheard),
            Err(Failure::Decoder(cause)) => {
                Some(LayerProblem::Decompress { format: layer.compression.to_string(), offset: pump.sent, cause })
            }
        };
        blob.finish(&layer.digest, complaint).map_err(Stop::Problem)
    })
}

enum Failure {
    Unheard,
    Decoder(io::Error),
}

struct Pump<'a> {
    outgoing: &'a Sender<Message>,
    used: &'a Receiver<Vec<u8>>,
    /// Bytes of tar so far.
    sent: u64,
}

impl Pump<'_> {
    fn run<R: Read>(&mut self, mut decoder: R, compressed: impl Fn(&R) -> u64) -> Result<(), Failure> {
        loop {
            let mut chunk = self.used.try_recv().unwrap_or_default();
            chunk.resize(CHUNK, 0);
            let mut filled = 0;
            while filled < CHUNK {
                match decoder.read(&mut chunk[filled..]) {
                    Ok(0) => break,
                    Ok(n) => filled += n,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        self.sent += filled as u64;
                        return Err(Failure::Decoder(error));
                    }
                }
            }
            if filled == 0 {
                return Ok(());
            }
            chunk.truncate(filled);
            self.sent += filled as u64;
            let message = Message::Bytes { chunk, compressed: compressed(&decoder) };
            self.outgoing.send(message).map_err(|_| Failure::Unheard)?;
        }
    }
}
