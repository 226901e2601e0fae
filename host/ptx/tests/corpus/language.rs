//! What languages need besides arithmetic: calls, recursion, structures, jumps, printing, assertions.

use tensor_wasm_ptx::simt::RunError;

use super::common::{Arguments, Flat, launch, line};
use super::device::{Device, both, doubles, near64, places, words};

#[test]
fn quicksort() {
    both("quicksort", |module| {
        let x: Vec<i32> = words(1, 320)
            .iter()
            .map(|word| (word % 500).cast_signed() - 250)
            .collect();
        let device = Device::new();
        let place = device.put(&x);
        device.run(
            module,
            "quicksorts",
            line(2),
            line(4),
            places(&[place]).with(40i32),
        );
        let mut expected = x;
        expected.chunks_mut(40).for_each(<[i32]>::sort_unstable);
        assert_eq!(device.get::<i32>(place, 320), expected);
    });
}

#[test]
fn switch() {
    both("switch", |module| {
        let program: Vec<u8> = words(1, 60).iter().map(|word| (word % 10) as u8).collect();
        let device = Device::new();
        let out = device.zeros::<i32>(32);
        let arguments = places(&[out, device.put(&program)]).with(60i32);
        device.run(module, "machine", line(1), line(32), arguments);
        let run = |thread: i32| {
            let (mut a, mut b, mut i, mut steps, mut kept) = (thread, 1i32, 0, 0, 0i32);
            while i < 60 && steps < 1000 {
                i += 1;
                match program[i - 1] {
                    0 => a = a.wrapping_add(b),
                    1 => b = a ^ 5,
                    2 => a = a.wrapping_mul(3),
                    3 => i += usize::from(a & 1 != 0),
                    4 => a >>= 1,
                    5 => b = b.wrapping_sub(a),
                    6 if b > 0 => a = a.wrapping_rem(b.wrapping_add(1)),
                    6 => a = a.wrapping_sub(b),
                    7 if steps < 40 => i = 0,
                    7 => {}
                    8 => kept = a,
                    _ => a = !a,
                }
                steps += 1;
            }
            kept.wrapping_add(a).wrapping_add(b)
        };
        let expected: Vec<i32> = (0..32).map(run).collect();
        assert_eq!(device.get::<i32>(out, 32), expected);
    });
}

#[test]
fn structures() {
    both("structures", |module| {
        let n = 12;
        let numbers = doubles(1, 6 * n);
        let device = Device::new();
        // Two vectors, a single, a short, and what aligns the next one.
        let mut bytes = Vec::new();
        for (i, six) in numbers.chunks(6).enumerate() {
            six.iter()
                .for_each(|value| bytes.extend(value.to_le_bytes()));
            bytes.extend((i as f32).to_le_bytes());
            bytes.extend([i as u8, 1, 0, 0]);
        }
        let (rays, lengths) = (device.put::<u8>(&bytes), device.zeros::<f64>(n));
        let arguments = places(&[rays, lengths]).with(n as i32);
        device.run(module, "structures", line(1), line(16), arguments);
        let (mut expected, mut bent) = (Vec::new(), Vec::new());
        for six in numbers.chunks(6) {
            let (a, b) = six.split_at(3);
            let cross = [1, 2, 0].map(|i: usize| a[i] * b[(i + 1) % 3] - a[(i + 1) % 3] * b[i]);
            let length = cross.iter().map(|v| v * v).sum::<f64>().sqrt();
            expected.push(length + a.iter().zip(cross).map(|(a, c)| a * c).sum::<f64>());
            bent.extend(cross);
        }
        near64(&device.get(lengths, n), &expected, 1e-10);
        for (i, cross) in bent.chunks(3).enumerate() {
            let place = rays + i * 56;
            near64(&device.get(place + 24, 3), cross, 1e-12);
            let by = i as i16 - 3;
            assert_eq!(device.get::<f32>(place + 48, 1), [i as f32 + f32::from(by)]);
            assert_eq!(device.get::<i16>(place + 52, 1), [(i as i16 | 256) * by]);
        }
    });
}

#[test]
fn print_and_assert() {
    both("print_and_assert", |module| {
        let memory = Flat::new(256);
        memory.put(0, &[1, 1, 0, 1].map(i32::cast_unsigned));
        let arguments = Arguments::new().with(3u32).with(1.5f32);
        launch(module, "prints", line(1), line(3), 0, arguments, &memory).unwrap();
        let printed = memory.printed();
        let mut lines: Vec<&str> = printed.lines().collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                "end",
                "thread 0 of 3: zero 0.000     0|ff    |-1099511627776",
                "thread 1 of 3: one 1.500     1|1fe   |-549755813888",
                "thread 2 of 3: two 3.000     2|3fc   |-274877906944",
            ]
        );
        let arguments = places(&[0]);
        let failed = launch(module, "asserts", line(1), line(4), 0, arguments, &memory);
        let Err(RunError::Fault(fault)) = failed else {
            panic!("the assertion holds")
        };
        assert!(fault.message.contains("print_and_assert.cu:"), "{fault}");
        assert!(
            fault
                .message
                .ends_with("assertion `x[threadIdx.x] > 0` failed"),
            "{fault}"
        );
        assert_eq!(fault.thread.unwrap().x, 2);
    });
}
