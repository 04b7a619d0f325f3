//! CRC-64 as Azure Storage computes it: the reflected polynomial `0x9A6C9329AC4BC9B5`, all bits
//! inverted at both ends ("Append Block", Microsoft Learn, names the header `x-ms-content-crc64`).

const TABLE: [u64; 256] = table();

const fn table() -> [u64; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut value = at as u64;
        let mut bit = 0;
        while bit < 8 {
            value = match value & 1 {
                1 => (value >> 1) ^ 0x9A6C_9329_AC4B_C9B5,
                _ => value >> 1,
            };
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
}

/// A sum that grows with its input.
#[derive(Clone, Copy)]
pub(super) struct Crc64(u64);

impl Crc64 {
    pub(super) fn new() -> Self {
        Self(u64::MAX)
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let at = (self.0 ^ u64::from(*byte)) & 0xff;
            // `at` is below 256.
            self.0 = TABLE[usize::try_from(at).unwrap_or_default()] ^ (self.0 >> 8);
        }
    }

    /// The sum as Azure's headers have it: little-endian bytes.
    pub(super) fn finish(self) -> [u8; 8] {
        (!self.0).to_le_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_polynomial_is_met() {
        let mut sum = Crc64::new();
        sum.update(b"12345");
        sum.update(b"6789");
        // The catalogue of parametrised CRC algorithms, CRC-64/NVME, which has this polynomial.
        assert_eq!(u64::from_le_bytes(sum.finish()), 0xAE8B_1486_0A79_9888);
    }
}
