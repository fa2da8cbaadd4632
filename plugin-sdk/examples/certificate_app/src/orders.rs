//! Orders, in memory: an example forgets when it stops.

use crate::catalogue::{Certificate, Destination};
use madoguchi_domain::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// More than these are not kept; the oldest go first.
const MOST: usize = 2000;

/// Where a letter goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) recipient: String,
    pub(crate) postal_code: String,
    pub(crate) address: String,
}

/// An order, checked but perhaps not yet placed.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) subject: String,
    pub(crate) student_id: String,
    pub(crate) destination: Destination,
    pub(crate) lines: Vec<(&'static Certificate, u32)>,
    pub(crate) address: Option<Address>,
    pub(crate) placed_at: Option<Timestamp>,
}

impl Order {
    pub(crate) fn copies(&self) -> u32 {
        self.lines.iter().map(|(_, copies)| copies).sum()
    }

    /// Yen, with postage.
    pub(crate) fn total(&self) -> u32 {
        let fees: u32 = self.lines.iter().map(|(certificate, copies)| certificate.fee * copies).sum();
        fees + self.destination.charge()
    }
}

#[derive(Default)]
pub(crate) struct Orders(Mutex<BTreeMap<u64, Order>>);

impl Orders {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Order>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an order to be checked; its number.
    pub(crate) fn keep(&self, order: Order) -> u64 {
        let mut orders = self.lock();
        let number = orders.last_key_value().map_or(1, |(last, _)| last + 1);
        orders.insert(number, order);
        if orders.len() > MOST {
            orders.pop_first();
        }
        number
    }

    /// An order of this person; nobody sees another's.
    pub(crate) fn of(&self, number: u64, subject: &str) -> Option<Order> {
        self.lock().get(&number).filter(|order| order.subject == subject).cloned()
    }

    /// Places it. Pressing the button twice places it once.
    pub(crate) fn place(&self, number: u64, subject: &str, now: Timestamp) -> Option<Order> {
        let mut orders = self.lock();
        let order = orders.get_mut(&number).filter(|order| order.subject == subject)?;
        order.placed_at.get_or_insert(now);
        Some(order.clone())
    }

    /// What this person has ordered, the newest first.
    pub(crate) fn placed(&self, subject: &str) -> Vec<(u64, Order)> {
        let orders = self.lock();
        let own = orders.iter().rev().filter(|(_, order)| order.subject == subject && order.placed_at.is_some());
        own.take(10).map(|(number, order)| (*number, order.clone())).collect()
    }
}

/// The number as people read it over the telephone.
pub(crate) fn reference(number: u64) -> String {
    format!("CO-{:03}-{:03}", 412 + number / 1000, number % 1000)
}
