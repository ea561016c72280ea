//! The process in which Python runs that nobody vouches for. A backend starts it as a helper, which
//! imports the modules that functions may use and then forks a worker for each role's calls. The danger is
//! everything that a process inherits: descriptors, rights, memory. The order of the steps is the defence.

mod channel;
mod confine;
mod helper;
mod modules;
mod native;
mod process;
mod python;
mod worker;

/// The descriptor of the socket to the backend; `posix_spawn` puts it there.
const SOCKET: i32 = 3;

fn main() {
    let backend = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let Some(backend) = backend else {
        eprintln!("multicorn-worker is started by the server, for functions that run confined");
        std::process::exit(2);
    };
    // Before anything else: the server's data files and its client's socket are open here.
    if let Err(why) = process::let_go(SOCKET).and_then(|()| process::stay_with(backend)) {
        eprintln!("multicorn-worker: {why}");
        std::process::exit(1);
    }
    process::be_the_first_to_go();
    if let Err(why) = process::hide() {
        eprintln!("multicorn-worker: {why}");
        std::process::exit(1);
    }
    helper::serve(channel::Channel::new(SOCKET, SOCKET));
}
