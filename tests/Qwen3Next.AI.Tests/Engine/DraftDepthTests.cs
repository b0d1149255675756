using Qwen3Next.AI.Engine;
using Xunit;

namespace Qwen3Next.AI.Tests.Engine;

/// <summary>The choice of depth against devices whose steps take times that are made up, so that what is lost can be counted.</summary>
public sealed class DraftDepthTests
{
    private const int Answers = 60, AnswerSteps = 200;

    // Where rows are dear, as on a CPU: plain steps take 1 for each conversation, another row as much, drafting 0.6 and 0.5 more for each further draft.
    private static readonly Device Cpu = new("cpu", rows => 0.2 + 0.8 * rows, depth => depth == 0 ? 0.45 : 0.1 + 0.5 * depth);

    // Where rows cost little beside the weights, as on a GPU.
    private static readonly Device Gpu = new("gpu", rows => 1 + 0.04 * rows, depth => 0.03 + 0.06 * depth);

    // The second row costs more than it is worth, the third and fourth next to nothing.
    private static readonly Device Stairs = new("stairs", rows => rows == 1 ? 1 : 2.1 + 0.02 * rows, depth => 0.05);

    public static TheoryData<string, double, int> Cases
    {
        get
        {
            var data = new TheoryData<string, double, int>();
            foreach (var device in new[] { Cpu, Gpu, Stairs })
                foreach (var acceptance in new[] { 0, 0.3, 0.6, 0.8, 0.95 })
                    foreach (var conversations in new[] { 1, 8 })
                        data.Add(device.Name, acceptance, conversations);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Next_AnyCosts_LosesLittleAgainstTheBestFixedDepth(string device, double acceptance, int conversations)
    {
        var run = new Run(Named(device), _ => acceptance, conversations);
        var best = run.Fixed(acceptance);
        run.Answer(Answers, AnswerSteps);
        Assert.InRange(run.SecondsPerToken / best, 0.97, 1.1);
        // And next to nothing against no drafts at all, which is what a user would switch to.
        Assert.InRange(run.SecondsPerToken / run.Plain, 0, 1.015);
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("gpu")]
    public void Next_FirstAnswerEver_LosesFewSteps(string device)
    {
        var run = new Run(Named(device), _ => 0, conversations: 1);
        run.Answer(1, 300);
        Assert.InRange(run.SecondsPerToken / run.Plain, 0, 1.12);
    }

    [Fact]
    public void Next_TextBecomesHardToGuess_GivesUpAndComesBack()
    {
        var run = new Run(Gpu, answer => answer < 20 || answer >= 60 ? 0.9 : 0, conversations: 1);
        var (easy, hard) = (run.Fixed(0.9), run.Fixed(0));
        Assert.InRange(Part(20) / easy, 0.9, 1.08);
        Assert.InRange(Part(40) / hard, 0.9, 1.03);
        Part(40);
        Assert.InRange(Part(20) / easy, 0.9, 1.08);

        double Part(int answers)
        {
            var (seconds, tokens) = (run.Seconds, run.Tokens);
            run.Answer(answers, AnswerSteps);
            return (run.Seconds - seconds) / (run.Tokens - tokens);
        }
    }

    [Fact]
    public void Next_StepsGetSlowerAsContextsGrow_KeepsDraftsThatPay()
    {
        // Plain steps that were measured at the beginning look cheap at the end.
        var run = new Run(Gpu, _ => 0.8, conversations: 1) { Growth = 1.0 / 1000 };
        run.Answer(1, 4000);
        Assert.InRange(run.SecondsPerToken / run.SecondsOfPlain, 0, 0.75);
    }

    [Fact]
    public void TakesOn_MoreConversationsThanPlaces_IsAnswered() => Assert.True(new DraftDepth(null, 1).TakesOn(2));

    [Fact]
    public void Tokens_AllDraftsRight_AreOneMoreThanDrafts()
    {
        var acceptance = new DraftAcceptance();
        for (var i = 0; i < 2000; i++) acceptance.Add(3, 3);
        Assert.InRange(acceptance.Tokens(3), 3.8, 4);
        for (var i = 0; i < 4000; i++) acceptance.Add(3, 1);
        Assert.InRange(acceptance.Tokens(3), 1.95, 2.15);
    }

    [Fact]
    public void Median_FewOrUnevenTimes_IsTheMiddleOne()
    {
        var times = new RecentTimes(100);
        foreach (var seconds in new[] { 1, 100, 3, 2 }) times.Add(40, seconds);
        Assert.True(double.IsNaN(times.Median(40)));
        times.Add(40, 1000);
        Assert.Equal(3, times.Median(40));
        Assert.Equal(3, times.Median(44));
        Assert.True(double.IsNaN(times.Median(50)));
        // Nine are remembered.
        for (var i = 0; i < 5; i++) times.Add(40, 7);
        Assert.Equal(7, times.Median(40));
    }

    private static Device Named(string name) => new[] { Cpu, Gpu, Stairs }.Single(device => device.Name == name);

    /// <summary>Seconds of a step by its rows, and of drafting by its depth, for each conversation.</summary>
    private sealed record Device(string Name, Func<int, double> Computing, Func<int, double> Drafting);

    /// <summary>
    /// Answers one after another, several at once. What is seen of each time is off by a tenth, and one of thirty is ten times too long; what is counted
    /// is the time as it should have been.
    /// </summary>
    private sealed class Run(Device device, Func<int, double> acceptance, int conversations)
    {
        private readonly DraftDepth _depths = new(null, 8);
        private readonly Random _random = new(1);
        private int _answers, _steps;

        public double Growth { get; init; }

        public double Seconds { get; private set; }

        public double SecondsOfPlain { get; private set; }

        public int Tokens { get; private set; }

        public double SecondsPerToken => Seconds / Tokens;

        public double Plain => device.Computing(conversations) / conversations;

        /// <summary>Seconds per token of the best depth that does not change.</summary>
        public double Fixed(double share)
        {
            var best = Plain;
            double tokens = 1, all = 1;
            for (var depth = 1; depth <= SpeculativeDecoder.MaxDrafts; depth++)
            {
                tokens += all *= share;
                best = Math.Min(best, (device.Computing(conversations * (1 + depth)) + conversations * device.Drafting(depth)) / (conversations * tokens));
            }
            return best;
        }

        public void Answer(int answers, int steps)
        {
            for (var end = _answers + answers; _answers < end; _answers++)
            {
                var (drafting, verified, tokens) = (0, 0, 0);
                for (var n = 0; n < conversations; n++) drafting += _depths.TakesOn(conversations) ? 1 : 0;
                while (tokens < steps * conversations)
                {
                    var (gained, rows) = (conversations + Verify(drafting, verified), conversations + drafting * verified);
                    tokens += gained;
                    _depths.Computed(conversations, rows, gained, Spend(device.Computing(rows)));
                    if (drafting > 0 && _depths.GivesUp(conversations)) drafting = 0;
                    verified = drafting > 0 ? _depths.Choose(conversations, drafting) : 0;
                    _depths.Drafted(drafting, drafting > 0 ? Spend(drafting * device.Drafting(verified)) : 0);
                }
                Tokens += tokens;
            }
            SecondsOfPlain = Plain * (1 + Growth * _steps / 2);
        }

        /// <summary>Drafts that hold, of so many for each conversation that drafts.</summary>
        private int Verify(int drafting, int drafts)
        {
            var held = 0;
            for (var n = 0; n < drafting; n++)
            {
                var kept = 0;
                while (kept < drafts && _random.NextDouble() < acceptance(_answers)) kept++;
                _depths.Verified(drafts, kept);
                held += kept;
            }
            return held;
        }

        private double Spend(double seconds)
        {
            seconds *= 1 + Growth * _steps++;
            Seconds += seconds;
            return seconds * (0.9 + 0.2 * _random.NextDouble()) * (_random.Next(30) == 0 ? 10 : 1);
        }
    }
}
