using Qwen3Next.AI.Tests;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(LastCollection))]

namespace Qwen3Next.AI.Tests;

/// <summary>Runs the collection of this name after all others.</summary>
public sealed class LastCollection : ITestCollectionOrderer
{
    public const string Name = "after all others";

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection => [.. testCollections.OrderBy(collection => collection.TestCollectionDisplayName == Name)];
}
