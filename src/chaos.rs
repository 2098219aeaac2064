//! Decisions: where the pipeline has several legal ways to go on, and takes the best one, or, under `--chaos`, any other.
//!
//! A stage that decides by cost asks a [`Chaos`] and passes the choice that it would make by itself. Without a seed that
//! is the answer, and asking costs one comparison. With a seed the answer is drawn from the seed, the function's index,
//! the *kind* of decision and the *place* it is about, and from nothing else: no state is carried from one answer to the
//! next, so the output stays a function of input and options, and a stage that asks twice is told the same twice.
//!
//! **Invariant:** an answer is always one of the choices offered. What is legal is the asking stage's business: only what is
//! offered can be taken, so it must not offer what only happens to work with the best choices made elsewhere.
//!
//! Kinds have moods, drawn for each function: some are decided as usual, some never as usual, most at random. If all
//! decisions were coins, what happens only after many equal ones would never be seen.

use std::hash::{Hash, Hasher};

/// Where the decisions of one function come from. Copied freely; [`Chaos::OFF`] takes the best choice each time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chaos {
    seed: Option<u64>,
}

/// How one kind of decision goes in one function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// As without chaos.
    Usual,
    /// Anything but that.
    Contrary,
    /// Drawn for each place.
    Any,
}

impl Chaos {
    /// The best choice each time.
    pub const OFF: Chaos = Chaos { seed: None };

    /// The decisions for one function under a seed, if there is one.
    pub fn new(seed: Option<u64>, function: u32) -> Chaos {
        Chaos { seed: seed.map(|seed| mix(&(seed, function))) }
    }

    /// Whether choices are drawn.
    pub fn is_on(self) -> bool {
        self.seed.is_some()
    }

    /// Whether to do something that is done or not done.
    pub fn flip(self, kind: &'static str, place: impl Hash, usual: bool) -> bool {
        let Some(seed) = self.seed else { return usual };
        match mood(seed, kind) {
            Mood::Usual => usual,
            Mood::Contrary => !usual,
            Mood::Any => mix(&(seed, kind, &place)) & 1 == 1,
        }
    }

    /// As [`Chaos::flip`] for what may only go another way now and then: once in 16 places, or never.
    pub fn rarely(self, kind: &'static str, place: impl Hash, usual: bool) -> bool {
        let Some(seed) = self.seed else { return usual };
        let other = mood(seed, kind) != Mood::Usual && mix(&(seed, kind, &place)) & 15 == 0;
        usual != other
    }

    /// One of `n` choices by number. Returns `usual` when there are none.
    pub fn pick(self, kind: &'static str, place: impl Hash, n: usize, usual: usize) -> usize {
        let Some(seed) = self.seed.filter(|_| n > 0) else { return usual };
        match mood(seed, kind) {
            Mood::Usual => usual,
            Mood::Contrary => n - 1 - usual.min(n - 1),
            Mood::Any => (mix(&(seed, kind, &place)) % n as u64) as usize,
        }
    }

    /// Any order of a list whose order is free. The usual one is the one it has.
    pub fn shuffle<T>(self, kind: &'static str, place: impl Hash, list: &mut [T]) {
        let Some(seed) = self.seed else { return };
        match mood(seed, kind) {
            Mood::Usual => {}
            Mood::Contrary => list.reverse(),
            Mood::Any => {
                let start = mix(&(seed, kind, &place));
                for i in (1..list.len()).rev() {
                    list.swap(i, (mix(&(start, i)) % (i as u64 + 1)) as usize);
                }
            }
        }
    }

    /// Any positive price where prices decide; contrary prices are lowest where the usual ones are highest.
    pub fn price(self, kind: &'static str, place: impl Hash, usual: u64) -> u64 {
        let Some(seed) = self.seed else { return usual };
        match mood(seed, kind) {
            Mood::Usual => usual,
            Mood::Contrary => 1_000 / (usual + 1) + 1,
            // Of any magnitude, so that a few decide everything.
            Mood::Any => {
                let drawn = mix(&(seed, kind, &place));
                (1 + (drawn >> 32 & 0xff)) >> (drawn & 7)
            }
        }
        .max(1)
    }
}

/// The mood of a kind.
fn mood(seed: u64, kind: &'static str) -> Mood {
    match mix(&(seed, "mood", kind)) & 7 {
        0 | 1 => Mood::Usual,
        2 => Mood::Contrary,
        _ => Mood::Any,
    }
}

fn mix(value: &impl Hash) -> u64 {
    let mut mixer = Mixer(0x5851_f42d_4c95_7f2d);
    value.hash(&mut mixer);
    mixer.finish()
}

/// A hash that is the same everywhere: the finalizer of splitmix64 over words.
struct Mixer(u64);

impl Mixer {
    fn word(&mut self, word: u64) {
        let mut z = (self.0 ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.0 = z ^ (z >> 31);
    }
}

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.word(n.into());
    }

    fn write_u16(&mut self, n: u16) {
        self.word(n.into());
    }

    fn write_u32(&mut self, n: u32) {
        self.word(n.into());
    }

    fn write_u64(&mut self, n: u64) {
        self.word(n);
    }

    fn write_usize(&mut self, n: usize) {
        self.word(n as u64);
    }

    fn write_isize(&mut self, n: isize) {
        self.word(n as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

    #[test]
    fn off_takes_what_is_usual() {
        let off = Chaos::new(None, 7);
        assert_eq!(off, Chaos::OFF);
        for kind in KINDS {
            assert!(off.flip(kind, 1, true) && !off.flip(kind, 1, false));
            assert!(off.rarely(kind, 1, true) && !off.rarely(kind, 1, false));
            assert_eq!(off.pick(kind, 1, 9, 3), 3);
            assert_eq!(off.price(kind, 1, 42), 42);
            let mut list = [1, 2, 3];
            off.shuffle(kind, 1, &mut list);
            assert_eq!(list, [1, 2, 3]);
        }
    }

    #[test]
    fn answers_depend_on_seed_function_kind_and_place_only() {
        let answers = |seed, function| {
            let chaos = Chaos::new(Some(seed), function);
            let of = |kind| (0..64).map(move |place| chaos.pick(kind, place, 1000, 0));
            KINDS.iter().flat_map(|kind| of(kind)).collect::<Vec<_>>()
        };
        assert_eq!(answers(1, 2), answers(1, 2));
        assert_ne!(answers(1, 2), answers(1, 3));
        assert_ne!(answers(1, 2), answers(2, 2));
        // The same on every machine.
        assert_eq!(mix(&(1u64, "kind", 3u32)), 0x6578d2f5bc0d3502);
    }

    #[test]
    fn every_mood_and_every_choice_comes_up() {
        let (mut moods, mut orders, mut rare) = ([0; 3], hashbrown::HashSet::new(), 0);
        for seed in 0..200 {
            let chaos = Chaos::new(Some(seed), 0);
            for kind in KINDS {
                moods[mood(chaos.seed.expect("on"), kind) as usize] += 1;
                let mut list = [0, 1, 2, 3];
                chaos.shuffle(kind, 0, &mut list);
                orders.insert(list);
                assert!(chaos.pick(kind, 0, 3, 1) < 3);
                assert_eq!(chaos.pick(kind, 0, 0, 5), 5);
                assert!(chaos.price(kind, 0, 10) > 0);
                rare += usize::from(chaos.rarely(kind, 0, false));
            }
        }
        assert!(moods.iter().all(|&n| n > 200), "{moods:?}");
        assert_eq!(orders.len(), 24);
        assert!((50..200).contains(&rare), "{rare}");
    }
}
