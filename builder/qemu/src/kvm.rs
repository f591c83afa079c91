//! Whether KVM works on this machine: a guest of a few instructions is run with it.
//!
//! That `/dev/kvm` can be opened says little. There are hosts where guests run by emulation behind it: firmware comes
//! up there, and a kernel does not. QEMU ends because a register of `-cpu host` cannot be set, or KVM stops the guest
//! at its first vector instruction; both were seen. So the guest does what no such emulation does well: it goes to
//! long mode with paging, computes with vector registers, and does so 20 million times, which a processor does in
//! 20 ms.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::arguments;
use crate::console::Console;
use crate::error::QemuError;
use crate::machine::{Accelerator, Architecture};
use crate::program::{find_emulator, guarded};

/// A guest that has not ended by then is emulated. QEMU itself starts in a fraction of a second.
const LIMIT: Duration = Duration::from_secs(5);

/// Why KVM is not to be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KvmUnusable {
    /// KVM runs only guests of the host's architecture.
    #[error("this machine is no {architecture}")]
    Foreign {
        /// The guest's.
        architecture: Architecture,
    },
    /// There is no KVM, or this user may not use it.
    #[error("cannot open /dev/kvm")]
    Device {
        /// The operating system's word.
        #[source]
        source: io::Error,
    },
    /// QEMU cannot be run at all.
    #[error("cannot try it")]
    Qemu {
        /// Why.
        #[source]
        source: QemuError,
    },
    /// The guest did not end.
    #[error("a guest of a few instructions did not end within {} s{}", limit.as_secs(), said(qemu.first()))]
    Hangs {
        /// How long it had.
        limit: Duration,
        /// What QEMU said.
        qemu: Vec<String>,
    },
    /// QEMU ended, but not as the guest asked.
    #[error("with it QEMU ended ({status}) before a guest of a few instructions was done{}", said(qemu.last()))]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        qemu: Vec<String>,
    },
}

fn said(line: Option<&String>) -> String {
    line.map(|line| format!(": {line}")).unwrap_or_default()
}

/// Runs a guest of a few instructions with KVM; takes less than a second where it works, and at most 5 s.
///
/// # Errors
///
/// [`KvmUnusable`]: use [`Accelerator::Tcg`].
pub fn try_kvm(architecture: Architecture) -> Result<(), KvmUnusable> {
    if !architecture.is_host() {
        return Err(KvmUnusable::Foreign { architecture });
    }
    let device = OpenOptions::new().read(true).write(true).open("/dev/kvm");
    device.map_err(|source| KvmUnusable::Device { source })?;
    let program = find_emulator(architecture, std::env::var_os("PATH").as_deref())
        .map_err(|source| KvmUnusable::Qemu { source })?;
    let processor = arguments::processor(architecture, Accelerator::Kvm);
    run(&program, architecture, Accelerator::Kvm, processor)
}

/// Runs the guest and sees that it ends as it should.
fn run(
    program: &Path,
    architecture: Architecture,
    accelerator: Accelerator,
    processor: &str,
) -> Result<(), KvmUnusable> {
    let failed = |operation| move |source| KvmUnusable::Qemu { source: QemuError::Io { operation, source } };
    let firmware = firmware(architecture).map_err(failed("write the guest that tries KVM"))?;
    let (stream, theirs) = UnixStream::pair().map_err(failed("make a socket"))?;
    let mut command = guarded(program);
    command.args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "size=64M"]);
    command.args(["-accel", arguments::accelerator(accelerator)]);
    command.args(["-cpu", processor]);
    // The file has no name, so that nothing is left behind whatever ends this process; QEMU finds it as we have it.
    command.arg("-bios").arg(format!("/proc/{}/fd/{}", std::process::id(), firmware.as_raw_fd()));
    match architecture {
        Architecture::X86_64 => {
            command.args(["-machine", "q35", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
        }
        Architecture::Aarch64 if accelerator == Accelerator::Kvm => {
            command.args(["-machine", "virt,gic-version=host"]);
        }
        Architecture::Aarch64 => {
            command.args(["-machine", "virt"]);
        }
    }
    let status = wait(command, stream, theirs).map_err(failed("start QEMU"))?;
    match status {
        (None, qemu) => Err(KvmUnusable::Hangs { limit: LIMIT, qemu }),
        (Some(status), _) if status.code() == Some(exit_code(architecture)) => Ok(()),
        (Some(status), qemu) => Err(KvmUnusable::Failed { status, qemu }),
    }
}

/// How QEMU ended, `None` where it has to be killed; and what it said.
fn wait(mut command: Command, stream: UnixStream, theirs: UnixStream) -> io::Result<(Option<ExitStatus>, Vec<String>)> {
    command.stdin(Stdio::null()).stdout(Stdio::from(OwnedFd::from(theirs)));
    let console = Console::start(command, stream, None)?;
    Ok((console.wait_for_exit(LIMIT).ok(), console.qemu_said()))
}

/// QEMU's exit code where the guest got to its end.
fn exit_code(architecture: Architecture) -> i32 {
    match architecture {
        // What the guest writes, twice, and one more: hw/misc/debugexit.c.
        Architecture::X86_64 => 42 * 2 + 1,
        Architecture::Aarch64 => 0,
    }
}

/// The guest, in the place of firmware: a file without a name.
fn firmware(architecture: Architecture) -> io::Result<File> {
    let file = tempfile::tempfile()?;
    // The least that a board takes, and for x86 all that a processor sees before it leaves real mode.
    file.set_len(65536)?;
    match architecture {
        Architecture::X86_64 => {
            file.write_all_at(X86_64, 0)?;
            file.write_all_at(RESET_VECTOR, 0xfff0)?;
        }
        Architecture::Aarch64 => {
            for (instruction, at) in AARCH64.iter().zip((0..).step_by(4)) {
                file.write_all_at(&instruction.to_le_bytes(), at)?;
            }
        }
    }
    Ok(file)
}

/// `jmp` to the first byte, from where an x86 processor starts: 16 bytes below the end of the firmware.
const RESET_VECTOR: &[u8] = b"\xe9\x0d\x00";

/// 214 bytes that lie at 0xffff0000, with what an assembler was told beside them.
const X86_64: &[u8] = &[
    // .code16
    0xfa, // cli
    0x2e, 0x66, 0x0f, 0x01, 0x16, 0xd0, 0x00, // lgdtl %cs:gdt_pointer
    0x0f, 0x20, 0xc0, // movl %cr0, %eax
    0x0c, 0x01, // orb $PE, %al
    0x0f, 0x22, 0xc0, // movl %eax, %cr0
    0x66, 0xea, 0x18, 0x00, 0xff, 0xff, 0x08, 0x00, // ljmpl $8, $protected
    // .code32, protected: at 0x18
    0x66, 0xb8, 0x10, 0x00, // movw $16, %ax
    0x8e, 0xd8, // movw %ax, %ds
    // Tables that map the first 2 MiB, and the last 2 MiB below 4 GiB, where this lies.
    0xc7, 0x05, 0x00, 0x10, 0x00, 0x00, 0x03, 0x20, 0x00, 0x00, // movl $0x2003, 0x1000
    0xc7, 0x05, 0x00, 0x20, 0x00, 0x00, 0x03, 0x30, 0x00, 0x00, // movl $0x3003, 0x2000
    0xc7, 0x05, 0x18, 0x20, 0x00, 0x00, 0x03, 0x40, 0x00, 0x00, // movl $0x4003, 0x2018
    0xc7, 0x05, 0x00, 0x30, 0x00, 0x00, 0x83, 0x00, 0x00, 0x00, // movl $0x83, 0x3000
    0xc7, 0x05, 0xf8, 0x4f, 0x00, 0x00, 0x83, 0x00, 0xe0, 0xff, // movl $0xffe00083, 0x4ff8
    0xb8, 0x00, 0x10, 0x00, 0x00, // movl $0x1000, %eax
    0x0f, 0x22, 0xd8, // movl %eax, %cr3
    0x0f, 0x20, 0xe0, // movl %cr4, %eax
    0x0d, 0x20, 0x06, 0x00, 0x00, // orl $(PAE | OSFXSR | OSXMMEXCPT), %eax
    0x0f, 0x22, 0xe0, // movl %eax, %cr4
    0xb9, 0x80, 0x00, 0x00, 0xc0, // movl $EFER, %ecx
    0x0f, 0x32, // rdmsr
    0x0d, 0x00, 0x01, 0x00, 0x00, // orl $LME, %eax
    0x0f, 0x30, // wrmsr
    0x0f, 0x20, 0xc0, // movl %cr0, %eax
    0x83, 0xe0, 0xfb, // andl $~EM, %eax
    0x0d, 0x02, 0x00, 0x00, 0x80, // orl $(PG | MP), %eax
    0x0f, 0x22, 0xc0, // movl %eax, %cr0
    0xea, 0x86, 0x00, 0xff, 0xff, 0x18, 0x00, // ljmpl $24, $long
    // .code64, long: at 0x86
    0xb9, 0x00, 0x2d, 0x31, 0x01, // movl $20000000, %ecx
    0x66, 0x0f, 0xef, 0xc0, // pxor %xmm0, %xmm0
    0x66, 0x0f, 0x76, 0xc9, // pcmpeqd %xmm1, %xmm1
    0x66, 0x0f, 0xfa, 0xc1, // 1: psubd %xmm1, %xmm0
    0xff, 0xc9, // decl %ecx
    0x75, 0xf8, // jnz 1b
    0x66, 0x0f, 0x7e, 0xc0, // movd %xmm0, %eax
    0x3d, 0x00, 0x2d, 0x31, 0x01, // cmpl $20000000, %eax
    0x75, 0x07, // jne 2f
    0xb8, 0x2a, 0x00, 0x00, 0x00, // movl $42, %eax
    0xe7, 0xf4, // outl %eax, $0xf4
    0xf4, // 2: hlt
    0xeb, 0xfd, // jmp 2b
    // gdt: at 0xb0. Nothing, code of 32 bits, data, code of 64 bits.
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, //
    0xff, 0xff, 0x00, 0x00, 0x00, 0x9b, 0xcf, 0x00, //
    0xff, 0xff, 0x00, 0x00, 0x00, 0x93, 0xcf, 0x00, //
    0xff, 0xff, 0x00, 0x00, 0x00, 0x9b, 0xaf, 0x00, //
    // gdt_pointer: at 0xd0. Its last byte, and where it lies.
    0x1f, 0x00, 0xb0, 0x00, 0xff, 0xff,
];
const _: () = assert!(X86_64.len() == 214);

/// Counts down, and has the machine switched off (Arm DEN0022, PSCI `SYSTEM_OFF`).
const AARCH64: &[u32] = &[
    0x52a0_2621, // movz w1, #0x131, lsl #16
    0x7100_0421, // 1: subs w1, w1, #1
    0x54ff_ffe1, // b.ne 1b
    0x5280_0100, // movz w0, #0x0008
    0x72b0_8000, // movk w0, #0x8400, lsl #16
    0xd400_0002, // hvc #0
    0x1400_0000, // b .
];

#[cfg(test)]
mod tests {
    use super::*;

    fn emulator() -> std::path::PathBuf {
        let found = find_emulator(Architecture::X86_64, std::env::var_os("PATH").as_deref());
        found.unwrap_or_else(|error| panic!("{error}\n{}", error.hint().unwrap_or_default()))
    }

    #[test]
    fn the_guest_gets_to_its_end_where_the_processor_is_emulated_well() {
        run(&emulator(), Architecture::X86_64, Accelerator::Tcg, "max").unwrap();
    }

    #[test]
    fn a_processor_that_does_less_is_found_out() {
        // A 486 has neither long mode nor vectors; the guest faults three times over, which resets the machine.
        let error = run(&emulator(), Architecture::X86_64, Accelerator::Tcg, "486").unwrap_err();
        assert!(matches!(error, KvmUnusable::Failed { .. } | KvmUnusable::Hangs { .. }), "{error}");
    }

    #[test]
    fn kvm_is_tried_only_for_the_hosts_own_architecture() {
        let other = if Architecture::X86_64.is_host() { Architecture::Aarch64 } else { Architecture::X86_64 };
        let error = try_kvm(other).unwrap_err();
        assert!(matches!(error, KvmUnusable::Foreign { .. }), "{error}");
    }

    #[test]
    fn a_try_ends_in_a_verdict_within_its_limit() {
        let begun = std::time::Instant::now();
        let tried = try_kvm(Architecture::X86_64);
        assert!(begun.elapsed() < LIMIT * 3, "{tried:?} after {:?}", begun.elapsed());
    }
}
