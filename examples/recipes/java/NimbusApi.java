import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Collections;
import java.util.List;
import java.util.Set;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

/** An API that verifies access tokens (RFC 9068), with Nimbus (nimbus-jose-jwt; oauth2-oidc-sdk for discovery). */
public class NimbusApi {
    private static final String SCOPE = "invoices.read";

    public static void main(String[] arguments) throws Exception {
        var processor = processor(System.getenv("ISSUER"), System.getenv("AUDIENCE"));
        var port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8090"));
        var server = HttpServer.create(new InetSocketAddress("localhost", port), 0);
        server.createContext("/invoices", exchange -> invoices(exchange, processor));
        server.start();
    }

    private static DefaultJWTProcessor<SecurityContext> processor(String issuer, String audience) throws Exception {
        var metadata = OIDCProviderMetadata.resolve(new Issuer(issuer));
        var keys = JWKSourceBuilder.create(metadata.getJWKSetURI().toURL()).retrying(true).build();
        var processor = new DefaultJWTProcessor<SecurityContext>();
        // The default is JWT or absent: it would refuse access tokens and accept ID tokens.
        processor.setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt")));
        processor.setJWSKeySelector(new JWSVerificationKeySelector<>(JWSAlgorithm.ES256, keys));
        processor.setJWTClaimsSetVerifier(new DefaultJWTClaimsVerifier<>(
            Collections.singleton(audience), // Set.of(…) throws, because Nimbus looks up null
            new JWTClaimsSet.Builder().issuer(issuer).build(),
            Set.of("exp", "sub", "client_id"),
            // Refuses bound tokens (RFC 8705, RFC 9449), because the binding is not checked here.
            Set.of("cnf")));
        return processor;
    }

    private static void invoices(HttpExchange exchange, DefaultJWTProcessor<SecurityContext> processor) throws IOException {
        var authorization = exchange.getRequestHeaders().getFirst("Authorization");
        if (authorization == null || !authorization.regionMatches(true, 0, "Bearer ", 0, 7)) {
            refuse(exchange, 401, "Bearer");
            return;
        }
        try {
            var claims = processor.process(authorization.substring(7), null);
            var scope = claims.getStringClaim("scope");
            if (scope == null || !List.of(scope.split(" ")).contains(SCOPE)) {
                refuse(exchange, 403, "Bearer error=\"insufficient_scope\", scope=\"" + SCOPE + "\"");
                return;
            }
            var body = "{\"sub\": \"" + claims.getSubject() + "\"}";
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, body.length());
            exchange.getResponseBody().write(body.getBytes());
            exchange.close();
        } catch (BadJOSEException | java.text.ParseException refused) {
            refuse(exchange, 401, "Bearer error=\"invalid_token\"");
        } catch (JOSEException failed) {
            // The keys are unavailable: fail closed.
            exchange.sendResponseHeaders(503, -1);
            exchange.close();
        }
    }

    private static void refuse(HttpExchange exchange, int status, String challenge) throws IOException {
        exchange.getResponseHeaders().set("WWW-Authenticate", challenge);
        exchange.sendResponseHeaders(status, -1);
        exchange.close();
    }
}
