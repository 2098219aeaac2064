//! Small deterministic random numbers (splitmix64): the same seed gives the same case on every machine.

/// A splitmix64 generator.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator whose stream is a function of `seed` alone.
    pub fn new(seed: u64) -> Self {
        Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    /// A number in `0..n`; 0 when `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.next_u64() % n as u64) as usize }
    }

    /// A number in `lo..=hi`.
    pub fn range(&mut self, lo: usize, hi: usize) -> usize {
        lo + self.below(hi - lo + 1)
    }

    /// True with probability `percent` in a hundred.
    pub fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent as usize
    }

    /// One element of a non-empty slice.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// An integer of `bits` bits (32 or 64) with a bias to edges: powers of two and their neighbours, limits, small numbers.
    pub fn edge_int(&mut self, bits: u32) -> u64 {
        let mask = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
        let value = match self.below(12) {
            0 => 0,
            1 => 1,
            2 => u64::MAX,
            3 => 1 << (bits - 1),
            4 => (1 << (bits - 1)) - 1,
            5 => 1u64 << self.below(bits as usize),
            6 => (1u64 << self.below(bits as usize)).wrapping_sub(1),
            7 => (1u64 << self.below(bits as usize)).wrapping_neg(),
            8 => self.below(256) as u64,
            9 => (self.below(64) as u64).wrapping_neg(),
            10 => {
                const WIDTHS: [u64; 9] =
                    [0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0xffff_ffff, 0x8000_0000];
                self.pick(&WIDTHS)
            }
            _ => self.next_u64(),
        };
        value & mask
    }

    /// Bits of an `f32` with a bias to edges: zeros, infinities, NaNs of both kinds, limits of the conversions.
    pub fn edge_f32(&mut self) -> u32 {
        const EDGES: [u32; 24] = [
            0,
            0x8000_0000,
            0x3f80_0000,
            0xbf80_0000,
            0x7f80_0000,
            0xff80_0000,
            0x7fc0_0000,
            0xffc0_0000,
            0x7fa0_0001,
            0xff80_0001,
            0x0000_0001,
            0x8000_0001,
            0x007f_ffff,
            0x0080_0000,
            0x7f7f_ffff,
            0x4f00_0000,
            0xcf00_0000,
            0x4eff_ffff,
            0x5f00_0000,
            0xdf00_0000,
            0x4f80_0000,
            0x3f00_0000,
            0x4020_0000,
            0xbf00_0000,
        ];
        match self.below(8) {
            0 => self.next_u32(),
            1 => ((self.below(2000) as f32 - 1000.0) / 4.0).to_bits(),
            _ => self.pick(&EDGES),
        }
    }

    /// Bits of an `f64`, as [`Rng::edge_f32`].
    pub fn edge_f64(&mut self) -> u64 {
        const EDGES: [u64; 23] = [
            0,
            1 << 63,
            0x3ff0_0000_0000_0000,
            0xbff0_0000_0000_0000,
            0x7ff0_0000_0000_0000,
            0xfff0_0000_0000_0000,
            0x7ff8_0000_0000_0000,
            0xfff8_0000_0000_0000,
            0x7ff4_0000_0000_0001,
            0xfff0_0000_0000_0001,
            1,
            0x000f_ffff_ffff_ffff,
            0x0010_0000_0000_0000,
            0x7fef_ffff_ffff_ffff,
            0x41df_ffff_ffc0_0000,
            0x41e0_0000_0000_0000,
            0xc1e0_0000_0000_0000,
            0xc1e0_0000_0020_0000,
            0x43e0_0000_0000_0000,
            0xc3e0_0000_0000_0000,
            0x43f0_0000_0000_0000,
            0x3fe0_0000_0000_0000,
            0x4004_0000_0000_0000,
        ];
        match self.below(8) {
            0 => self.next_u64(),
            1 => ((self.below(2000) as f64 - 1000.0) / 4.0).to_bits(),
            _ => self.pick(&EDGES),
        }
    }
}
