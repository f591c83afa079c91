//! The command line: a pure function of the machine.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;

use crate::disk::{Bus, Disk, DiskFormat, SectorSize};
use crate::firmware::{Firmware, FirmwareFile};
use crate::machine::{Accelerator, Architecture, Machine, Network, OnReboot};
use crate::notification::PORT;
use crate::quote::{option_value, shell_word};

/// Where the serial console and the monitor lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wiring {
    /// QMP on descriptor 0, the serial console on descriptor 1; both are sockets.
    Sockets,
    /// Serial console and human monitor on the terminal; Ctrl-A H explains the keys.
    Terminal,
}

impl Machine {
    /// QEMU's arguments as [`Machine::start`] gives them. A function of the machine alone: same machine, same words.
    /// The machine [`fmt::Display`]s as a command for a terminal, where the last arguments differ.
    #[must_use]
    pub fn arguments(&self) -> Vec<OsString> {
        self.arguments_for(Wiring::Sockets, None)
    }

    /// With a file that a virtio port leads to.
    pub(crate) fn arguments_for(&self, wiring: Wiring, port: Option<&Path>) -> Vec<OsString> {
        let wish = &self.wish;
        let mut words = Words::default();
        // Neither devices nor configuration files that nobody asked for.
        words.flag("-nodefaults");
        words.flag("-no-user-config");
        let secure = wish.firmware == Firmware::UefiSecureBoot && self.flash.is_some();
        // Where a BIOS boots a disk, it has to be told that there is nobody at a screen: SeaBIOS then says what it does
        // on the serial console (src/fw/paravirt.c, QEMU_CFG_NOGRAPHIC).
        let bios = wish.firmware == Firmware::BuiltIn && wish.direct_kernel.is_none();
        words.option(
            "-machine",
            match (wish.architecture, secure) {
                (Architecture::X86_64, false) if bios => "q35,graphics=off",
                (Architecture::X86_64, false) => "q35",
                // Only code in system management mode may write the variables, see edk2 OvmfPkg/README, "SMM support".
                (Architecture::X86_64, true) => "q35,smm=on",
                // KVM gives the guest the interrupt controller that the host has, and no other.
                (Architecture::Aarch64, _) if wish.accelerator == Accelerator::Kvm => "virt,gic-version=host",
                (Architecture::Aarch64, _) => "virt",
            },
        );
        words.option("-accel", accelerator(wish.accelerator));
        words.option("-cpu", processor(wish.architecture, wish.accelerator));
        words.option("-smp", wish.cpus.to_string());
        words.option("-m", format!("size={}M", wish.memory_mib));
        if let Some(flash) = &self.flash {
            if secure {
                words.option("-global", "driver=cfi.pflash01,property=secure,value=on");
            }
            words.option("-drive", flash_drive(0, "readonly=on", &flash.code));
            words.option("-drive", flash_drive(1, "snapshot=on", &flash.variables));
        }
        self.push_disks(&mut words);
        self.push_network(&mut words);
        if let Some(control) = &wish.tpm {
            words.option("-chardev", option_value("socket,id=tpm,path=", control.as_os_str()));
            words.option("-tpmdev", "emulator,id=tpm,chardev=tpm");
            let device = if wish.architecture == Architecture::X86_64 { "tpm-crb" } else { "tpm-tis-device" };
            words.option("-device", format!("{device},tpmdev=tpm"));
        }
        words.option("-device", "virtio-rng-pci");
        for credential in &wish.credentials {
            words.option("-smbios", credential.smbios_option());
        }
        if let Some(direct) = &wish.direct_kernel {
            words.option("-kernel", &direct.kernel);
            if let Some(initramfs) = &direct.initramfs {
                words.option("-initrd", initramfs);
            }
            words.option("-append", &direct.command_line);
        }
        if wish.on_reboot == OnReboot::Exit {
            words.flag("-no-reboot");
        }
        if wish.screen {
            words.option("-device", if wish.architecture == Architecture::X86_64 { "VGA" } else { "virtio-gpu-pci" });
        }
        words.option("-display", "none");
        match wiring {
            Wiring::Sockets => {
                words.option("-chardev", "socket,id=control,fd=0");
                words.option("-mon", "chardev=control,mode=control");
                words.option("-chardev", self.logged("socket,id=console,fd=1"));
                if let Some(port) = port {
                    words.option("-device", "virtio-serial-pci");
                    words.option("-chardev", option_value("file,id=notification,path=", port.as_os_str()));
                    words.option("-device", format!("virtserialport,chardev=notification,name={PORT}"));
                }
            }
            Wiring::Terminal => {
                words.option("-chardev", self.logged("stdio,id=console,mux=on,signal=off"));
                words.option("-mon", "chardev=console,mode=readline");
            }
        }
        words.option("-serial", "chardev:console");
        words.0
    }

    fn push_disks(&self, words: &mut Words) {
        let disks = &self.wish.disks;
        if disks.iter().any(|disk| disk.bus.is_sata()) {
            words.option("-device", "ich9-ahci,id=sata");
        }
        if disks.iter().any(|disk| disk.bus == Bus::Usb) {
            words.option("-device", "qemu-xhci,id=usb");
        }
        let mut sata_port = 0;
        for (index, disk) in disks.iter().enumerate() {
            words.option("-drive", disk_drive(index, disk));
            let driver = match disk.bus {
                Bus::Virtio => "virtio-blk-pci".to_owned(),
                Bus::Nvme => "nvme".to_owned(),
                Bus::Ahci | Bus::Cdrom => {
                    sata_port += 1;
                    let kind = if disk.bus == Bus::Cdrom { "ide-cd" } else { "ide-hd" };
                    format!("{kind},bus=sata.{}", sata_port - 1)
                }
                Bus::Usb => "usb-storage,bus=usb.0".to_owned(),
            };
            let sectors = match disk.sector_size {
                SectorSize::Bytes512 => "",
                SectorSize::Bytes4096 => ",logical_block_size=4096,physical_block_size=4096",
            };
            // NVMe does not start without a serial number.
            let serial = match (&disk.serial, disk.bus) {
                (Some(serial), _) => format!(",serial={serial}"),
                (None, Bus::Nvme) => format!(",serial=disk{index}"),
                (None, _) => String::new(),
            };
            words.option("-device", format!("{driver},drive=disk{index},bootindex={}{serial}{sectors}", index + 1));
        }
    }

    fn push_network(&self, words: &mut Words) {
        let Network::User(forwards) = &self.wish.network else { return };
        let mut netdev = "user,id=net".to_owned();
        for forward in forwards {
            netdev.push_str(&format!(",hostfwd=tcp:127.0.0.1:{}-:{}", forward.host, forward.guest));
        }
        words.option("-netdev", netdev);
        // Without its ROM the card cannot boot, so the firmware does not try the network for minutes.
        words.option("-device", "virtio-net-pci,netdev=net,romfile=");
    }

    fn logged(&self, chardev: &str) -> OsString {
        match &self.wish.log {
            Some(log) => option_value(&format!("{chardev},logfile="), log.as_os_str()),
            None => chardev.into(),
        }
    }
}

/// A shell command with the serial console on the terminal, one option per line.
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shell_word(&self.program.to_string_lossy()))?;
        for word in self.arguments_for(Wiring::Terminal, None) {
            let is_option = word.as_encoded_bytes().starts_with(b"-");
            f.write_str(if is_option { " \\\n  " } else { " " })?;
            f.write_str(&shell_word(&word.to_string_lossy()))?;
        }
        Ok(())
    }
}

/// The growing command line.
#[derive(Default)]
struct Words(Vec<OsString>);

impl Words {
    fn flag(&mut self, name: &str) {
        self.0.push(name.into());
    }

    fn option(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.flag(name);
        self.0.push(value.as_ref().to_owned());
    }
}

/// The value of `-accel`.
pub(crate) fn accelerator(accelerator: Accelerator) -> &'static str {
    match accelerator {
        Accelerator::Tcg => "tcg,thread=multi",
        Accelerator::Kvm => "kvm",
    }
}

/// The value of `-cpu`.
pub(crate) fn processor(architecture: Architecture, accelerator: Accelerator) -> &'static str {
    match (accelerator, architecture) {
        (Accelerator::Kvm, _) => "host",
        (Accelerator::Tcg, Architecture::X86_64) => "max",
        // The architected pointer authentication algorithm is the slowest thing under TCG.
        (Accelerator::Tcg, Architecture::Aarch64) => "max,pauth-impdef=on",
    }
}

/// A format as QEMU names it, with what its driver has to be told.
fn format_name(format: DiskFormat) -> &'static str {
    match format {
        DiskFormat::Raw => "raw",
        DiskFormat::Qcow2 => "qcow2",
        DiskFormat::Vmdk => "vmdk",
        // Else the driver may take the size from the geometry, which cannot express every size, see its
        // `force_size_calc`.
        DiskFormat::Vhd => "vpc,force_size_calc=current_size",
    }
}

fn flash_drive(unit: u8, mode: &str, file: &FirmwareFile) -> OsString {
    let format = format_name(file.format);
    option_value(&format!("if=pflash,unit={unit},format={format},{mode},file="), file.path.as_os_str())
}

fn disk_drive(index: usize, disk: &Disk) -> OsString {
    let writes = match (disk.bus, disk.snapshot) {
        (Bus::Cdrom, _) => "readonly=on",
        (_, true) => "snapshot=on",
        (_, false) => "snapshot=off",
    };
    let format = format_name(disk.format);
    let prefix = format!("if=none,id=disk{index},format={format},{writes},discard=unmap,file=");
    option_value(&prefix, disk.path.as_os_str())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::credential::Credential;
    use crate::firmware::FirmwareFiles;
    use crate::machine::{DirectKernel, Forward};

    /// A machine as `build` makes it, without looking at the host.
    fn machine(wish: crate::machine::MachineBuilder, flash: Option<FirmwareFiles>) -> Machine {
        Machine { program: PathBuf::from("/usr/bin").join(wish.architecture.program()), flash, wish }
    }

    /// One option with its value per line.
    fn golden(machine: &Machine) -> String {
        let mut text = String::new();
        for word in machine.arguments() {
            let word = word.to_str().unwrap().to_owned();
            text.push_str(if word.starts_with('-') { "\n" } else { " " });
            text.push_str(&word);
        }
        text
    }

    #[test]
    fn everything_at_once_has_these_arguments() {
        let wish = Machine::builder(Architecture::X86_64)
            .memory_mib(2048)
            .cpus(2)
            .firmware(Firmware::UefiSecureBoot)
            .disk(Disk::raw("/disks/a,b.raw").serial("root-1"))
            .disk(Disk::qcow2("/disks/c.qcow2").on(Bus::Nvme).keep_writes())
            .disk(Disk::raw("/disks/d.raw").on(Bus::Ahci))
            .disk(Disk::raw("/disks/e.raw").on(Bus::Ahci))
            .disk(Disk::raw("/disks/f.raw").on(Bus::Usb))
            .credential(Credential::new("passwd.plaintext-password.root", "a,b").unwrap())
            .network(Network::User(vec![Forward { host: 2222, guest: 22 }]))
            .on_reboot(OnReboot::Exit)
            .screen(true)
            .log("/logs/console");
        let flash = FirmwareFiles::new("/fw/code.fd", "/fw/vars.qcow2");
        assert_eq!(
            golden(&machine(wish, Some(flash))),
            "
-nodefaults
-no-user-config
-machine q35,smm=on
-accel tcg,thread=multi
-cpu max
-smp 2
-m size=2048M
-global driver=cfi.pflash01,property=secure,value=on
-drive if=pflash,unit=0,format=raw,readonly=on,file=/fw/code.fd
-drive if=pflash,unit=1,format=qcow2,snapshot=on,file=/fw/vars.qcow2
-device ich9-ahci,id=sata
-device qemu-xhci,id=usb
-drive if=none,id=disk0,format=raw,snapshot=on,discard=unmap,file=/disks/a,,b.raw
-device virtio-blk-pci,drive=disk0,bootindex=1,serial=root-1
-drive if=none,id=disk1,format=qcow2,snapshot=off,discard=unmap,file=/disks/c.qcow2
-device nvme,drive=disk1,bootindex=2,serial=disk1
-drive if=none,id=disk2,format=raw,snapshot=on,discard=unmap,file=/disks/d.raw
-device ide-hd,bus=sata.0,drive=disk2,bootindex=3
-drive if=none,id=disk3,format=raw,snapshot=on,discard=unmap,file=/disks/e.raw
-device ide-hd,bus=sata.1,drive=disk3,bootindex=4
-drive if=none,id=disk4,format=raw,snapshot=on,discard=unmap,file=/disks/f.raw
-device usb-storage,bus=usb.0,drive=disk4,bootindex=5
-netdev user,id=net,hostfwd=tcp:127.0.0.1:2222-:22
-device virtio-net-pci,netdev=net,romfile=
-device virtio-rng-pci
-smbios type=11,value=io.systemd.credential:passwd.plaintext-password.root=a,,b
-no-reboot
-device VGA
-display none
-chardev socket,id=control,fd=0
-mon chardev=control,mode=control
-chardev socket,id=console,fd=1,logfile=/logs/console
-serial chardev:console"
        );
    }

    #[test]
    fn an_aarch64_machine_with_a_direct_kernel_has_these_arguments() {
        let direct = DirectKernel {
            kernel: "/k/vmlinuz".into(),
            initramfs: Some("/k/initrd".into()),
            command_line: "console=ttyAMA0 quiet".to_owned(),
        };
        let wish = Machine::builder(Architecture::Aarch64).firmware(Firmware::BuiltIn).direct_kernel(direct);
        assert_eq!(
            golden(&machine(wish, None)),
            "
-nodefaults
-no-user-config
-machine virt
-accel tcg,thread=multi
-cpu max,pauth-impdef=on
-smp 1
-m size=1024M
-device virtio-rng-pci
-kernel /k/vmlinuz
-initrd /k/initrd
-append console=ttyAMA0 quiet
-display none
-chardev socket,id=control,fd=0
-mon chardev=control,mode=control
-chardev socket,id=console,fd=1
-serial chardev:console"
        );
    }

    #[test]
    fn other_forms_of_disks_and_controllers_have_these_arguments() {
        let wish = Machine::builder(Architecture::X86_64)
            .accelerator(Accelerator::Kvm)
            .firmware(Firmware::BuiltIn)
            .disk(Disk::new("/d.vmdk", DiskFormat::Vmdk).on(Bus::Nvme).sector_size(SectorSize::Bytes4096))
            .disk(Disk::new("/d.vhd", DiskFormat::Vhd).on(Bus::Ahci))
            .disk(Disk::raw("/d.iso").on(Bus::Cdrom))
            .tpm("/run/a,b/control");
        let text = golden(&machine(wish, None));
        for line in [
            "-machine q35,graphics=off",
            "-accel kvm",
            "-cpu host",
            "-drive if=none,id=disk0,format=vmdk,snapshot=on,discard=unmap,file=/d.vmdk",
            "-device nvme,drive=disk0,bootindex=1,serial=disk0,logical_block_size=4096,physical_block_size=4096",
            "-drive if=none,id=disk1,format=vpc,force_size_calc=current_size,snapshot=on,discard=unmap,file=/d.vhd",
            "-device ide-hd,bus=sata.0,drive=disk1,bootindex=2",
            "-drive if=none,id=disk2,format=raw,readonly=on,discard=unmap,file=/d.iso",
            "-device ide-cd,bus=sata.1,drive=disk2,bootindex=3",
            "-chardev socket,id=tpm,path=/run/a,,b/control",
            "-tpmdev emulator,id=tpm,chardev=tpm",
            "-device tpm-crb,tpmdev=tpm",
        ] {
            assert!(text.lines().any(|have| have == line), "{line}: {text}");
        }
    }

    #[test]
    fn a_port_leads_to_its_file() {
        let machine = machine(Machine::builder(Architecture::X86_64).firmware(Firmware::BuiltIn), None);
        let words = machine.arguments_for(Wiring::Sockets, Some(Path::new("/proc/7/fd/9")));
        let words: Vec<_> = words.iter().map(|word| word.to_str().unwrap()).collect();
        for pair in [
            ["-device", "virtio-serial-pci"],
            ["-chardev", "file,id=notification,path=/proc/7/fd/9"],
            ["-device", "virtserialport,chardev=notification,name=org.diskwright.smoke"],
        ] {
            assert!(words.windows(2).any(|words| words == pair), "{words:?}");
        }
    }

    #[test]
    fn display_is_a_shell_command_with_the_console_on_the_terminal() {
        let wish = Machine::builder(Architecture::X86_64).firmware(Firmware::BuiltIn).disk(Disk::raw("/my disk"));
        let command = machine(wish, None).to_string();
        assert!(command.starts_with("/usr/bin/qemu-system-x86_64 \\\n  -nodefaults \\\n  -no-user-config \\\n"));
        assert!(
            command.contains(" \\\n  -drive 'if=none,id=disk0,format=raw,snapshot=on,discard=unmap,file=/my disk'")
        );
        assert!(command.ends_with(
            " \\\n  -chardev stdio,id=console,mux=on,signal=off \\\n  -mon chardev=console,mode=readline \\\n  \
             -serial chardev:console"
        ));
        assert!(!command.contains("fd=0"));
    }
}
