// Real OpenSearch nodes for the contract tests: `java -cp 'target/lib/*' Node.java FOLDER NODES` starts them on
// loopback, prints "ready ADDRESS", and ends when its standard input does.
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.common.settings.Settings;
import org.opensearch.http.HttpServerTransport;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.plugins.Plugin;
import org.opensearch.transport.Netty4Plugin;

public class Node {
  /** A node with the transport plugin in its class path: as the distribution starts it, without the module loader. */
  private static final class Local extends org.opensearch.node.Node {
    Local(Settings settings, List<Class<? extends Plugin>> plugins) {
      super(InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "node"), plugins, false);
    }
  }

  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    int count = Integer.parseInt(args[1]);
    List<Local> nodes = new ArrayList<>();
    String seed = "";
    for (int i = 0; i < count; i++) {
      Settings.Builder settings =
          Settings.builder()
              .put("cluster.name", "athanor-test")
              .put("node.name", "node-" + i)
              .put("path.home", folder.resolve("node-" + i))
              .put("network.host", "127.0.0.1")
              .put("http.port", "0")
              .put("transport.port", "0")
              .put("transport.type", "netty4")
              .put("http.type", "netty4")
              // A test's few documents must be taken however full the disk is.
              .put("cluster.routing.allocation.disk.threshold_enabled", false)
              .put("cluster.max_shards_per_node", 5000);
      if (count == 1) settings.put("discovery.type", "single-node");
      else settings.putList("cluster.initial_cluster_manager_nodes", "node-0").putList("discovery.seed_hosts", seed);
      Local node = new Local(settings.build(), List.of(Netty4Plugin.class, CommonAnalysisPlugin.class));
      node.start();
      nodes.add(node);
      if (i == 0) {
        seed = node.injector().getInstance(org.opensearch.transport.TransportService.class).boundAddress().publishAddress().toString();
      }
    }
    nodes.get(0).client().admin().cluster().prepareHealth().setWaitForNodes(String.valueOf(count)).get();
    System.out.println("ready http://" + nodes.get(0).injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress());
    while (System.in.read() >= 0) {}
    for (Local node : nodes) node.close();
    System.exit(0);
  }
}
