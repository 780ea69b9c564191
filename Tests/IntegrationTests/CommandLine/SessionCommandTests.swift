import Glibc
import Krait
import KraitTestSupport
import Testing

/// `krait sessions`, and what is left of sessions when the daemon itself is killed.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SessionCommandTests {
    private func configuration(_ lab: CommandLab, _ lm: OfflineLM) throws -> String {
        try lab.configuration(
            """
            pools:
              general:
                adapter: dspy
                workers: 1
                slots: 4
                lm: {model: openai/offline, api_base: "\(lm.url)", num_retries: 0}
            """
        )
    }

    private func ask(_ lab: CommandLab, _ session: String) async throws -> CommandLab.Ended {
        let question = #"{"program": "answer", "inputs": {"question": "Why?"}}"#
        return try await lab.krait("call", "session_run", question, "--session", session)
    }

    @Test func `sessions outlive a daemon that is killed, and are seen from the shell`()
        async throws
    {
        try await OfflineLM.running { lm in
            try await CommandLab.open { lab in
                let file = try configuration(lab, lm)
                let daemon = try await lab.detach("--config", file)
                let program = "answer=ChainOfThought:question, past: dspy.History -> reply"
                let begun = try await lab.krait("sessions", "begin", "ann-7", "--program", program)
                #expect(begun.output == "the session ann-7 has begun: answer\n", "\(begun.errors)")
                for count in 1...2 {
                    let answer = try await ask(lab, "ann-7")
                    #expect(answer.json?["version"]?.int == count, "\(answer.errors)")
                }
                let isSaved = await eventually(within: .seconds(20)) {
                    let shown = try? await lab.krait("sessions", "show", "ann-7", "--json")
                    return shown?.json?["version"] == 2
                }
                #expect(isSaved)
                kill(daemon, SIGKILL)
                #expect(await eventually { RunningProcess(daemon) == nil })
                _ = try await lab.detach("--config", file)
                let list = try await lab.krait("sessions", "list")
                #expect(list.output.contains("ann-7"), "\(list.errors)")
                #expect(try await ask(lab, "ann-7").json?["version"] == 3)
                let wrong = try await ask(lab, "ann-8")
                #expect(wrong.code == 1 && wrong.errors.contains("did you mean `ann-7`?"))
                #expect(try await lab.krait("status").output.contains("1 sessions"))
                let ended = try await lab.krait("sessions", "end", "ann-7")
                #expect(ended.code == 0 && ended.output == "the session ann-7 has ended\n")
                #expect(try await lab.krait("sessions", "list").output == "no sessions\n")
                let again = try await lab.krait("sessions", "begin", "b", "--program", "nonsense")
                #expect(again.code == 2 && again.errors.contains("NAME=MODULE:SIGNATURE"))
                #expect(try await lab.krait("stop").code == 0)
            }
        }
    }
}
