//! The name server of an isolated program: the names that the emulator serves are this machine, and
//! no other name exists.

use azcred_emulator::service::is_name_of;
use simple_dns::{
    CLASS, Packet, PacketFlag, QCLASS, QTYPE, RCODE, ResourceRecord, TYPE,
    rdata::{A, RData},
};
use std::net::Ipv4Addr;
use tokio::net::UdpSocket;

/// How long programs may keep a response, in seconds.
const SECONDS: u32 = 60;
/// Limit for the size of a question, far above a real one's.
const LONGEST: usize = 4096;

/// Names, such as `management.azure.com` and `*.login.microsoft.com`.
pub(super) struct Names(Vec<String>);

impl Names {
    pub(super) fn new(names: Vec<String>) -> Self {
        Self(names)
    }

    /// Answers questions until the task ends.
    pub(super) async fn serve(self, socket: UdpSocket) {
        let mut question = [0; LONGEST];
        loop {
            // An error is that of an earlier response, whose program has ended.
            let Ok((length, from)) = socket.recv_from(&mut question).await else {
                continue;
            };
            if let Some(response) = self.respond(&question[..length]) {
                let _ = socket.send_to(&response, from).await;
            }
        }
    }

    /// The response to a question. `None` if it is not one.
    fn respond(&self, question: &[u8]) -> Option<Vec<u8>> {
        let packet = Packet::parse(question).ok()?;
        if packet.has_flags(PacketFlag::RESPONSE) {
            return None;
        }
        let [asked] = &packet.questions[..] else {
            return None;
        };
        let name = asked.qname.to_string();
        let mut response = Packet::new_reply(packet.id());
        response.set_flags(PacketFlag::AUTHORITATIVE_ANSWER | PacketFlag::RECURSION_AVAILABLE);
        if packet.has_flags(PacketFlag::RECURSION_DESIRED) {
            response.set_flags(PacketFlag::RECURSION_DESIRED);
        }
        let is_served = self.0.iter().any(|pattern| is_name_of(pattern, &name));
        let is_known = is_served || name.eq_ignore_ascii_case("localhost");
        let wants_address = matches!(asked.qtype, QTYPE::TYPE(TYPE::A) | QTYPE::ANY)
            && matches!(asked.qclass, QCLASS::CLASS(CLASS::IN) | QCLASS::ANY);
        if !is_known {
            *response.rcode_mut() = RCODE::NameError;
        } else if wants_address {
            let address = RData::A(A::from(Ipv4Addr::LOCALHOST));
            let name = asked.qname.clone();
            let record = ResourceRecord::new(name, CLASS::IN, SECONDS, address);
            response.answers.push(record);
        }
        response.questions.push(asked.clone());
        response.build_bytes_vec().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use simple_dns::{Name, Question};

    fn names() -> Names {
        let names = ["management.azure.com", "*.login.microsoft.com"];
        Names::new(names.map(str::to_owned).into())
    }

    /// The code and the addresses of the response to a question.
    fn response(name: &str, kind: TYPE) -> (RCODE, Vec<Ipv4Addr>) {
        let mut query = Packet::new_query(7);
        let name = Name::new(name).unwrap();
        let (kind, class) = (QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN));
        query
            .questions
            .push(Question::new(name, kind, class, false));
        let bytes = names().respond(&query.build_bytes_vec().unwrap()).unwrap();
        let response = Packet::parse(&bytes).unwrap();
        assert_eq!(response.id(), 7);
        assert_eq!(response.questions.len(), 1);
        let addresses = response.answers.iter().map(|record| match &record.rdata {
            RData::A(address) => Ipv4Addr::from(address.address),
            other => panic!("{other:?}"),
        });
        (response.rcode(), addresses.collect())
    }

    #[test]
    fn names_of_the_emulator_are_this_machine_and_no_other_name_exists() {
        let here = vec![Ipv4Addr::LOCALHOST];
        for name in [
            "management.azure.com",
            "Management.Azure.COM",
            "westeurope.login.microsoft.com",
            "localhost",
        ] {
            let (code, addresses) = response(name, TYPE::A);
            assert_eq!((code, &addresses), (RCODE::NoError, &here), "{name}");
            // It exists and has no such address: programs then use the other one.
            let (code, addresses) = response(name, TYPE::AAAA);
            assert_eq!((code, addresses), (RCODE::NoError, vec![]), "{name}");
        }
        for name in [
            "pypi.org",
            "azure.com",
            "login.microsoft.com",
            "localhost.evil",
        ] {
            assert_eq!(
                response(name, TYPE::A),
                (RCODE::NameError, vec![]),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_not_a_question_gets_no_response() {
        let names = names();
        let mut reply = Packet::new_reply(7);
        let name = Name::new("management.azure.com").unwrap();
        let question = Question::new(name, QTYPE::ANY, QCLASS::ANY, false);
        reply.questions.push(question.clone());
        let reply = reply.build_bytes_vec().unwrap();
        let mut two = Packet::new_query(7);
        two.questions = vec![question.clone(), question];
        let two = two.build_bytes_vec().unwrap();
        let empty = Packet::new_query(7).build_bytes_vec().unwrap();
        for odd in [&b""[..], b"\0", &[0xff; 600], &reply, &two, &empty] {
            assert!(names.respond(odd).is_none(), "{odd:?}");
        }
    }
}
