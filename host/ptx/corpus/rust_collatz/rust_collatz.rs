//! Collatz's sequences in Rust: a function that is not inlined, an enumeration, a slice.
#![no_std]
#![feature(abi_ptx, stdarch_nvptx)]

use core::arch::nvptx;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    unsafe { nvptx::trap() }
}

/// What became of a number.
#[repr(C)]
pub struct Answer {
    largest: u64,
    steps: Option<u8>,
    parity: [i16; 3],
}

#[inline(never)]
fn collatz(mut n: u64) -> (u32, u64) {
    let (mut steps, mut largest) = (0, n);
    while n != 1 {
        n = if n % 2 == 0 { n / 2 } else { n.wrapping_mul(3) + 1 };
        largest = largest.max(n);
        steps += 1;
    }
    (steps, largest)
}

/// # Safety
/// Both point at memory for `count` elements.
#[unsafe(no_mangle)]
pub unsafe extern "ptx-kernel" fn rust_collatz(answers: *mut Answer, numbers: *const u32, count: u32) {
    unsafe {
        let i = (nvptx::_block_idx_x() * nvptx::_block_dim_x() + nvptx::_thread_idx_x()) as usize;
        let numbers = core::slice::from_raw_parts(numbers, count as usize);
        let Some(number) = numbers.get(i) else {
            return;
        };
        let (steps, largest) = collatz(u64::from(*number));
        let fold = (u128::from(largest) * 0x1234_5678_90ab_cdef) >> 64;
        *answers.add(i) = Answer {
            largest,
            steps: u8::try_from(steps).ok(),
            parity: [(steps & 1) as i16, -(number.rotate_left(3) as i16), fold as i16],
        };
    }
}
