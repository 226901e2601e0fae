//! System calls that another process makes as a test says, by `ptrace(2)`: one of its threads is
//! stopped, executes a single system call, and goes on as if nothing had been.
//!
//! It is what code of an attacker inside of that process could do, and needs nothing in it.
#![expect(unsafe_code, reason = "ptrace(2) has no safe interface")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::ptr;

use libc::{c_long, c_void, pid_t, user_regs_struct};

/// How far below the stack's end arguments are put: behind what the thread may use without having
/// claimed it, 128 bytes on x86-64.
const BELOW_STACK: u64 = 4096;

/// The thread of another process, stopped. It goes on when this is dropped.
pub struct Captive {
    thread: pid_t,
    memory: File,
    /// As they were when it was stopped.
    registers: user_regs_struct,
    /// Where the process has the instruction that makes system calls.
    instruction: u64,
    /// Where the next argument goes.
    free: u64,
}

impl Captive {
    /// Stops the main thread of a process.
    pub fn stop(process: pid_t) -> Captive {
        let memory = File::options()
            .read(true)
            .write(true)
            .open(format!("/proc/{process}/mem"))
            .unwrap();
        request(libc::PTRACE_SEIZE, process, 0, 0);
        request(libc::PTRACE_INTERRUPT, process, 0, 0);
        let stopped = wait(process);
        assert!(libc::WIFSTOPPED(stopped), "{stopped:#x}");
        let registers = registers(process);
        Captive {
            thread: process,
            instruction: system_call_instruction(process, &memory),
            memory,
            free: (registers.rsp - BELOW_STACK) & !0xf,
            registers,
        }
    }

    /// Puts bytes into its memory, for a call to point to. Returns where they are.
    pub fn put(&mut self, bytes: &[u8]) -> u64 {
        self.free = (self.free - bytes.len() as u64) & !0xf;
        self.memory.write_all_at(bytes, self.free).unwrap();
        self.free
    }

    /// Puts a text with a zero behind it.
    pub fn put_text(&mut self, text: &str) -> u64 {
        self.put(format!("{text}\0").as_bytes())
    }

    /// Has it make a system call. Returns what the kernel answers: a negative error number, or the
    /// result.
    pub fn call(&mut self, number: c_long, arguments: &[u64]) -> i64 {
        let status = self.step(number as u64, arguments);
        assert!(libc::WIFSTOPPED(status), "it ended: {status:#x}");
        assert_eq!(libc::WSTOPSIG(status), libc::SIGTRAP, "{status:#x}");
        registers(self.thread).rax as i64
    }

    /// Has it make a system call by the interrupt of 32-bit programs. Returns its state after that,
    /// as `waitpid(2)` tells it.
    pub fn call_as_i386(&mut self, number: u64) -> i32 {
        const INT_80: [u8; 2] = [0xcd, 0x80];
        self.memory.write_all_at(&INT_80, self.instruction).unwrap();
        self.step(number, &[])
    }

    /// Executes one instruction, with these registers.
    fn step(&mut self, number: u64, arguments: &[u64]) -> i32 {
        let argument = |index: usize| arguments.get(index).copied().unwrap_or(0);
        let registers = user_regs_struct {
            rip: self.instruction,
            rax: number,
            // None that is to be restarted.
            orig_rax: u64::MAX,
            rdi: argument(0),
            rsi: argument(1),
            rdx: argument(2),
            r10: argument(3),
            r8: argument(4),
            r9: argument(5),
            ..self.registers
        };
        set_registers(self.thread, &registers);
        request(libc::PTRACE_SINGLESTEP, self.thread, 0, 0);
        wait(self.thread)
    }
}

/// Another process, of which its parent can't learn that it has ended until this is dropped: it stays
/// a process without life, as one does whose end waits for a device.
pub struct Undead(pid_t);

impl Undead {
    /// Takes a process that runs, and goes on.
    pub fn when_ended(process: pid_t) -> Undead {
        request(libc::PTRACE_SEIZE, process, 0, 0);
        Undead(process)
    }
}

impl Drop for Undead {
    fn drop(&mut self) {
        // One that traces a process learns of its end first, and with that its parent does.
        let status = wait(self.0);
        assert!(!libc::WIFSTOPPED(status), "{status:#x}");
    }
}

impl Drop for Captive {
    fn drop(&mut self) {
        // SAFETY: the registers are read from a structure of the right type, and belong to a
        // process that is not this one. Where that has ended both calls fail.
        unsafe {
            let (none, registers) = (ptr::null_mut::<c_void>(), &raw const self.registers);
            libc::ptrace(libc::PTRACE_SETREGS, self.thread, none, registers);
            libc::ptrace(libc::PTRACE_DETACH, self.thread, none, none);
        }
    }
}

#[track_caller]
fn request(request: libc::c_uint, thread: pid_t, address: usize, data: usize) {
    // SAFETY: none of the requests that are made this way takes an address of this process.
    let answer = unsafe { libc::ptrace(request, thread, address, data) };
    let error = std::io::Error::last_os_error();
    assert!(answer >= 0, "ptrace request {request}: {error}");
}

fn registers(thread: pid_t) -> user_regs_struct {
    // SAFETY: the structure is one of integers, for which zeros are valid.
    let mut registers: user_regs_struct = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes such a structure to the address, which is valid for the call.
    let answer = unsafe {
        let none = ptr::null_mut::<c_void>();
        libc::ptrace(libc::PTRACE_GETREGS, thread, none, &raw mut registers)
    };
    assert_eq!(answer, 0, "{}", std::io::Error::last_os_error());
    registers
}

fn set_registers(thread: pid_t, registers: &user_regs_struct) {
    // SAFETY: the kernel reads such a structure from the address, which is valid for the call.
    let answer = unsafe {
        let none = ptr::null_mut::<c_void>();
        libc::ptrace(libc::PTRACE_SETREGS, thread, none, ptr::from_ref(registers))
    };
    assert_eq!(answer, 0, "{}", std::io::Error::last_os_error());
}

/// Waits until a traced thread has stopped or ended.
fn wait(thread: pid_t) -> i32 {
    let mut status = 0;
    // SAFETY: the kernel writes an integer to the address, which is valid for the call.
    let waited = unsafe { libc::waitpid(thread, &raw mut status, libc::__WALL) };
    assert_eq!(waited, thread, "{}", std::io::Error::last_os_error());
    status
}

/// The address of a `syscall` instruction: the C library has many.
fn system_call_instruction(process: pid_t, memory: &File) -> u64 {
    const SYSCALL: [u8; 2] = [0x0f, 0x05];
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    maps.lines()
        .filter(|line| line.contains("r-xp") && line.contains("libc"))
        .find_map(|line| {
            let (start, end) = line.split(' ').next()?.split_once('-')?;
            let number = |text| u64::from_str_radix(text, 16).ok();
            let (start, end) = (number(start)?, number(end)?);
            let mut code = vec![0; (end - start) as usize];
            memory.read_exact_at(&mut code, start).ok()?;
            let offset = code.windows(2).position(|bytes| bytes == SYSCALL)?;
            Some(start + offset as u64)
        })
        .expect("the C library makes system calls")
}
